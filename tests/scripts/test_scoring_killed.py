"""prune.py that was killed while it scored goes on where it was, to the same pruned model."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

import models
from benchmarks.faults import small_model, verdict

ROOT = Path(__file__).parents[2]
# All images, so that scoring takes a while.
LINE = "prune.py --data=digits --ratio=0.5 --epochs=0 --formats= --strategy=single"
KEPT = {"taylor": "pass_1.bin", "gfi": "group_0_sums.npz"}  # gfi's maps are too large to keep each


def larger_model(path):
    """Write a network whose sums take longer to make than what lies between two writings."""
    keras.utils.set_random_seed(0)
    models.build("resnet20", num_classes=10, input_shape=(8, 8, 1)).save(path)


MODELS = {"taylor": small_model, "gfi": larger_model}


def start(tmp_path, out, method):
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    own = [f"--method={method}", f"--model={tmp_path / 'small.keras'}", f"--save_dir={out}"]
    with out.with_suffix(".log").open("a") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *LINE.split(), *own], cwd=ROOT, stdout=log, stderr=log,
            env={**os.environ, **threads, "CUDA_VISIBLE_DEVICES": "-1"},
        )  # fmt: skip


def killed_while_it_scores(process, out, method):
    """Return when it had last kept something, after it was started."""
    path = out / "stages" / "scoring" / "1" / KEPT[method]
    before = path.stat().st_mtime_ns if path.is_file() else 0
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if found.st_mtime_ns > before and found.st_size > 500:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return found.st_mtime_ns
        time.sleep(0.001)
    raise AssertionError(out.with_suffix(".log").read_text()[-2000:])


@pytest.mark.slow
@pytest.mark.parametrize("method", KEPT)
def test_a_run_killed_while_it_scores_ends_as_one_that_was_not(tmp_path, method):
    MODELS[method](tmp_path / "small.keras")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(tmp_path, whole, method).wait() == 0, whole.with_suffix(".log").read_text()[-2000:]
    kept = [
        killed_while_it_scores(start(tmp_path, killed, method), killed, method) for _ in range(2)
    ]
    assert kept[1] > kept[0]
    assert not (killed / "masks.npz").exists()
    told = killed.with_suffix(".log")
    assert start(tmp_path, killed, method).wait() == 0, told.read_text()[-2000:]
    assert verdict(whole, killed) == []  # the same files, and the same weights
    pages = [json.loads((x / "report" / "report.json").read_text()) for x in (whole, killed)]
    assert pages[0]["scores"] == pages[1]["scores"]
