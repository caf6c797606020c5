"""prune.py that was killed while it scored goes on where it was, to the same pruned model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.faults import small_model, verdict

ROOT = Path(__file__).parents[2]
# All images, so that scoring takes a while.
LINE = "prune.py --data=digits --method=taylor --ratio=0.5 --epochs=0 --formats= --strategy=single"


def start(tmp_path, out):
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    own = [f"--model={tmp_path / 'small.keras'}", f"--save_dir={out}"]
    with out.with_suffix(".log").open("a") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *LINE.split(), *own], cwd=ROOT, stdout=log, stderr=log,
            env={**os.environ, **threads, "CUDA_VISIBLE_DEVICES": "-1"},
        )  # fmt: skip


def killed_while_it_scores(process, out):
    """Return how much it had kept."""
    path = out / "stages" / "scoring" / "1" / "pass_1.bin"
    while process.poll() is None:
        if path.is_file() and path.stat().st_size > 500:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return path.stat().st_size
        time.sleep(0.001)
    raise AssertionError(out.with_suffix(".log").read_text()[-2000:])


@pytest.mark.slow
def test_a_run_killed_while_it_scores_ends_as_one_that_was_not(tmp_path):
    small_model(tmp_path / "small.keras")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(tmp_path, whole).wait() == 0, whole.with_suffix(".log").read_text()[-2000:]
    sizes = [killed_while_it_scores(start(tmp_path, killed), killed) for _ in range(2)]
    assert sizes[1] >= sizes[0]
    assert not (killed / "masks.npz").exists()
    assert start(tmp_path, killed).wait() == 0, killed.with_suffix(".log").read_text()[-2000:]
    assert verdict(whole, killed) == []  # the same files, and the same weights
    pages = [json.loads((x / "report" / "report.json").read_text()) for x in (whole, killed)]
    assert pages[0]["scores"] == pages[1]["scores"]
