"""sweep.py: every cell once, what is finished not again, one table, one plot."""

import csv
import json
from types import SimpleNamespace

import pytest

import sweep
from tests.scripts.conftest import call
from tfprune.errors import PruningError


@pytest.fixture
def started(monkeypatch):
    """prune.py's stand-in: what it was called with; method "fpgm" fails."""
    commands = []

    def prune(command, stdout, **options):
        given = dict(flag.lstrip("-").split("=", 1) for flag in command[2:])
        commands.append(given)
        if given["method"] == "fpgm":
            stdout.write("no luck")
            return SimpleNamespace(returncode=1)
        left = float(given["macs"])
        sides = {when: {"results": {"accuracy": x, "loss": 1.0}, "parameters": 100,
                        "macs": int(1000 * share)}
                 for when, x, share in (("before", 0.9, 1), ("after", left, left))}  # fmt: skip
        folder = sweep.files.make_folder(given["save_dir"])
        report = {**sides, "before_fine_tuning": {"accuracy": 0.1, "loss": 2.0}}
        (folder / "report.json").write_text(json.dumps(report))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(sweep.subprocess, "run", prune)
    return commands


def table(folder):
    return [*csv.DictReader((folder / "sweep.csv").read_text().splitlines())]


def test_each_cell_runs_once_and_new_ones_are_added(started, tmp_path):
    where = ("--save_dir", tmp_path, "--prune=--data=digits --epochs=2", "--jobs=2")
    call(sweep, "--methods=l1,l2", "--amounts=macs=0.5,macs=0.25", *where)
    assert len(started) == 4
    assert {(c["method"], c["macs"], c["seed"], c["epochs"]) for c in started} == {
        (method, macs, "0", "2") for method in ("l1", "l2") for macs in ("0.5", "0.25")
    }
    call(sweep, "--methods=l1,l2", "--amounts=macs=0.5,macs=0.25", "--seeds=0,1", *where)
    assert len(started) == 8
    rows = table(tmp_path)
    assert len(rows) == 8
    assert rows[0] | {} == {
        "method": "l1", "amount": "macs=0.5", "seed": "0", "figure": "accuracy",
        "original": "0.9", "after the cut": "0.1", "at the end": "0.5",
        "parameters left": "1.0", "MACs left": "0.5",
    }  # fmt: skip


def test_gpus_are_divided_among_the_runs_at_a_time(started, tmp_path):
    where = ("--save_dir", tmp_path, "--jobs=2", "--gpus=0,1,2,3", "--strategy=mirrored")
    call(sweep, "--methods=l1,l2", "--seeds=0,1,2", *where)
    assert {run["strategy"] for run in started} == {"mirrored"}
    assert {run["gpus"] for run in started} <= {"0,2", "1,3"}
    with pytest.raises(PruningError, match=r"--gpus names 1 GPUs for --jobs=2: expected one for"):
        call(sweep, "--methods=l1", "--save_dir", tmp_path, "--jobs=2", "--gpus=0")


def test_the_plot_is_of_all_methods(started, tmp_path):
    pytest.importorskip("matplotlib")
    call(sweep, "--methods=l1,l2", "--save_dir", tmp_path)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "sweep.svg").read_bytes()


def test_a_run_that_fails_leaves_the_others_and_names_its_log(started, tmp_path):
    with pytest.raises(PruningError, match=r"1 of 2 runs failed.*fpgm_macs_0.5_seed0.log"):
        call(sweep, "--methods=fpgm,l1", "--save_dir", tmp_path)
    assert [row["method"] for row in table(tmp_path)] == ["l1"]
    assert (tmp_path / "fpgm_macs_0.5_seed0.log").read_text() == "no luck"


@pytest.mark.parametrize(
    ("flag", "match"),
    [
        ("--methods=l3", "'l3' is no method. Expected of: .*l1"),
        ("--amounts=half", "expected ratio=, .* received 'half'"),
        ("--seeds=a", "whole numbers from 0 on, received 'a'"),
        ("--prune=--macs=0.5", "the sweep itself sets --macs"),
        ("--prune=--strategy=single", "the sweep itself sets --strategy"),
        ("--prune='", "No closing quotation"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_runs(started, tmp_path, flag, match):
    with pytest.raises(PruningError, match=match):
        call(sweep, flag, "--save_dir", tmp_path)
    assert started == []


def test_several_workers_are_refused(started, tmp_path, monkeypatch):
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    with pytest.raises(PruningError, match=r"sweep.py: the environment names 2 workers.*start it"):
        call(sweep, "--methods=l1", "--save_dir", tmp_path / "out")
    assert started == []
    assert not (tmp_path / "out").exists()
