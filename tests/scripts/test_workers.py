"""prune.py on two real workers and on two devices leaves what one process leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.scripts.conftest import QUICK
from tfprune.runs import load_masks

ROOT = Path(__file__).parents[2]
HALF = ("--method=gfbs", "--ratio=0.5", "--samples=32", "--sync_batch_norm")


def run(*command, **variables):
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=300, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **variables},
    )  # fmt: skip


def require_equal(folder, other):
    """The same files, channels, scores to the bit, and weights to 1e-5."""
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in other.iterdir())
    keep, wanted = (load_masks(path / "masks.npz") for path in (folder, other))
    assert keep.keys() == wanted.keys()
    for name, mask in wanted.items():
        np.testing.assert_array_equal(keep[name], mask)
    page, wanted = (json.loads((p / "report" / "report.json").read_text()) for p in (folder, other))
    assert page["scores"] == wanted["scores"]
    for row, told in zip(page["training"], wanted["training"], strict=True):
        assert row == pytest.approx(told, rel=1e-5, abs=1e-7)
    small, wanted = (keras.models.load_model(p / "resnet20.keras") for p in (folder, other))
    for array, told in zip(small.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(array, told, atol=1e-5)


def test_two_workers_leave_what_one_process_leaves(baseline, pruned, tmp_path):
    folder = tmp_path / "two"
    done = run(
        "launch.py", "--workers=2", "--", sys.executable, "prune.py", *QUICK, *HALF,
        "--pretrain_dir", baseline, "--save_dir", folder, TMPDIR=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    require_equal(folder, pruned)
    assert "[0] I" in done.stdout  # the chief tells how far it is, and it alone
    assert "[1] I" not in done.stdout.replace("[1] I0000", "")
    assert [path.name for path in tmp_path.iterdir()] == ["two"]  # nothing is left of the other


@pytest.mark.slow
def test_two_devices_leave_what_one_leaves(baseline, pruned, tmp_path):
    done = run(
        "prune.py", *QUICK, *HALF, "--pretrain_dir", baseline, "--save_dir", tmp_path / "two",
        "--strategy=mirrored", "--cpus=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    require_equal(tmp_path / "two", pruned)
