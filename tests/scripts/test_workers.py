"""prune.py on two real workers and on two devices leaves what one process leaves."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks.worker_faults import workers_of
from tests.scripts.conftest import QUICK
from tfprune.runs import MetricsFile, load_masks

ROOT = Path(__file__).parents[2]
HALF = ("--method=gfbs", "--ratio=0.5", "--samples=32", "--sync_batch_norm")


def run(*command, **variables):
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=900, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **variables},
    )  # fmt: skip


def require_equal(folder, other, scored_trained=False):
    """The same files, channels, scores to the bit unless of trained weights, weights to 1e-5."""
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in other.iterdir())
    keep, wanted = (load_masks(path / "masks.npz") for path in (folder, other))
    assert keep.keys() == wanted.keys()
    for name, mask in wanted.items():
        np.testing.assert_array_equal(keep[name], mask)
    page, wanted = (json.loads((p / "report" / "report.json").read_text()) for p in (folder, other))
    assert page["scores"].keys() == wanted["scores"].keys()
    for name, told in wanted["scores"].items():
        expected = pytest.approx(told, rel=1e-4) if scored_trained else told
        assert page["scores"][name] == expected, name
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
def test_training_on_two_workers_leaves_what_one_process_leaves(tmp_path):
    flags = ("--arch=resnet20", "--data=digits", "--epochs=2", "--batch_size=512",
             "--optimizer=sgd", "--decay_step=1", "--sync_batch_norm")  # fmt: skip
    one, two = tmp_path / "one", tmp_path / "two"
    for begin, folder in (((), one), (("launch.py", "--workers=2", "--", sys.executable), two)):
        done = run(*begin, "train.py", *flags, "--save_dir", folder)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    rows, wanted = (MetricsFile(folder / "metrics.csv").rows() for folder in (two, one))
    for row, told in zip(rows, wanted, strict=True):
        # A network that has hardly begun to learn makes much of a last bit of its statistics.
        held_out = row.pop("val_loss")
        assert held_out == pytest.approx(told.pop("val_loss"), rel=1e-4)
        assert row == pytest.approx(told, rel=1e-5)
    model, wanted = (keras.models.load_model(f / "resnet20.keras") for f in (two, one))
    for array, told in zip(model.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_allclose(array, told, atol=1e-5)


def killed(command, victim, number, when):
    """Run the workers, send one of them a signal at a line of output, and return all lines."""
    lines = []
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    ) as process:  # fmt: skip
        for line in process.stdout:
            lines.append(line)
            if when in line and number is not None:
                os.kill(workers_of(process)[victim], number)
                number = None
    assert process.returncode == 0, "".join(lines)[-3000:]
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_changes_nothing(baseline, tmp_path, victim, number):
    command = (
        "launch.py", "--workers=2", "--", sys.executable, "prune.py", *QUICK, *HALF, "--epochs=4",
        "--pretrain_dir", baseline, "--formats=", "--save_dir",
    )  # fmt: skip
    killed([*command, tmp_path / "whole"], victim, None, "")
    lines = killed([*command, tmp_path / "killed"], victim, number, "Epoch 3/4")
    starts = [line for line in lines if "Epoch 1/4" in line]
    again = [line for line in lines if "all start anew" in line]
    assert (len(starts), len(again)) == (1, 1)
    models = [keras.models.load_model(tmp_path / n / "resnet20.keras") for n in ("whole", "killed")]
    for array, told in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(array, told)
    require_equal(tmp_path / "killed", tmp_path / "whole")


WAYS = {
    "reconstruct": ["--method=l2", "--reconstruct=100"],
    "soft": ["--method=l2", "--prune_schedule=soft"],
    "layer by layer": ["--method=gfi", "--prune_schedule=layer_by_layer"],
    "iterative": ["--method=taylor", "--prune_schedule=iterative", "--steps=2"],
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_two_workers_prune_in_every_way_as_one_process_does(baseline, tmp_path, way):
    flags = (*QUICK, "--ratio=0.5", "--sync_batch_norm", "--formats=", *WAYS[way])
    one, two = tmp_path / "one", tmp_path / "two"
    for begin, folder in (((), one), (("launch.py", "--workers=2", "--", sys.executable), two)):
        done = run(*begin, "prune.py", *flags, "--pretrain_dir", baseline, "--save_dir", folder)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    require_equal(two, one, scored_trained="schedule" in str(WAYS[way]))


@pytest.mark.slow
def test_two_devices_leave_what_one_leaves(baseline, pruned, tmp_path):
    done = run(
        "prune.py", *QUICK, *HALF, "--pretrain_dir", baseline, "--save_dir", tmp_path / "two",
        "--strategy=mirrored", "--cpus=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    require_equal(tmp_path / "two", pruned)
