"""--mlflow: refused before anything begins where MLflow is missing, else told at the end."""

import sys

import pytest

import flags.tracking
import models
import prune
import train
from flags import commandline
from tests.scripts.conftest import QUICK, call, small_network
from tfprune import reporting
from tfprune.errors import PruningError


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(models, "build", small_network)


def test_a_run_is_refused_before_it_begins(quick, baseline, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not installed
    folder = tmp_path / "run"
    with pytest.raises(PruningError, match="MLflow is not installed"):
        call(train, *QUICK, "--mlflow", "--save_dir", folder)
    pruning = ("--method=l1", "--ratio=0.5", "--pretrain_dir", baseline)
    with pytest.raises(PruningError, match="MLflow is not installed"):
        call(prune, *QUICK, *pruning, "--mlflow", "--save_dir", folder)
    assert not folder.exists()


def test_a_finished_run_is_told_and_the_flag_is_no_part_of_it(quick, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(flags.tracking, "require_mlflow", lambda: None)
    monkeypatch.setattr(reporting, "log_to_mlflow", told.append)
    call(train, *QUICK, "--mlflow", "--save_dir", tmp_path)
    assert told == [tmp_path]
    assert "mlflow" not in (tmp_path / "flags.cfg").read_text()
    assert "mlflow" in commandline._NOT_RECORDED
    call(train, *QUICK, "--save_dir", tmp_path)  # finished before, and nobody asks
    assert told == [tmp_path]
