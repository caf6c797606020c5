"""Killed by SIGKILL just before each of its file operations, a writer leaves nothing in the way.

The child processes do Python's file operations only: with TensorFlow in them a fork could hang.
`benchmarks/` kills whole scripts.
"""

import builtins
import io
import os
import signal

import numpy as np
import pytest

from tfprune import files
from tfprune.files import claim
from tfprune.runs import claim as claim_run
from tfprune.runs import load_masks, save_masks

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
KEEP = {"stem": np.array([True, False])}


def survives(work, kill_at):
    """Do the work in a child that kills itself at an operation; return whether it ended alive."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            interpose(kill_at)
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(number, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def interpose(kill_at):
    count = 0

    def watched(operation, counts):
        def call(*args, **kwargs):
            nonlocal count
            count += counts(args)
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return call

    os.rename = watched(os.rename, lambda args: 1)
    os.replace = watched(os.replace, lambda args: 1)
    io.open = builtins.open = watched(io.open, lambda args: args[1:2] not in ((), ("r",), ("rb",)))


def begin_run(folder):
    assert claim_run(folder, "--epochs=2\n") in ("new", "unfinished")


def begin_training(folder):
    claim(folder, {"epochs": 2}, name="run.json", what="training")


def write_masks(folder):
    save_masks(folder, KEEP)


def replace_export(folder):
    with files.atomic_path(folder / "1") as path:
        path.mkdir()
        (path / "model.pb").write_text("new")


@pytest.mark.parametrize("work", [begin_run, begin_training, write_masks, replace_export])
def test_the_same_call_after_a_kill_ends_as_an_undisturbed_one(tmp_path, work):
    whole = tmp_path / "whole"
    work(whole)
    kills = 0
    for place in range(1, 20):
        folder = tmp_path / str(place)
        if survives(lambda: work(folder), place):  # noqa: B023 - called at once
            break
        kills += 1
        files.sweep(folder)
        work(folder)
        assert names(folder) == names(whole)
    assert kills >= 2
    if work is write_masks:
        assert load_masks(folder / "masks.npz")["stem"].tolist() == [True, False]


def test_a_kill_between_the_two_renamings_of_a_folder_keeps_the_old_or_the_new(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.pb").write_text("old")
    seen = []
    while not survives(lambda: replace_export(tmp_path), len(seen) + 1):
        files.sweep(tmp_path)
        seen.append((tmp_path / "1" / "model.pb").read_text())
        assert names(tmp_path) == ["1", "1/model.pb"]
    assert len(seen) >= 2
    assert set(seen) <= {"old", "new"}
    assert (tmp_path / "1" / "model.pb").read_text() == "new"


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
