"""No script looks at the test split before all is trained and chosen."""

import pytest

import models
import prune
import tfprune.data
import train
from tests.scripts.conftest import QUICK, call, small_network
from tfprune import runs
from tfprune.data import Split

PRUNING = (*QUICK, "--method=l2", "--ratio=0.5", "--formats=")


@pytest.fixture
def events(monkeypatch):
    """What a script does, in order: "test" for each look at the test split, "trained"."""
    told, tests = [], []
    load, epochs, trained = tfprune.data.load, Split.epochs, runs.train_recorded

    def loaded(*args, **settings):
        data = load(*args, **settings)
        tests.append(data.test)
        return data

    def read(split, *args, **settings):
        if any(split is test for test in tests):
            told.append("test")
        return epochs(split, *args, **settings)

    def train_recorded(*args, **settings):
        result = trained(*args, **settings)
        told.append("trained")
        return result

    monkeypatch.setattr(tfprune.data, "load", loaded)
    monkeypatch.setattr(Split, "epochs", read)
    monkeypatch.setattr(runs, "train_recorded", train_recorded)
    return told


def assert_honest(events):
    last = len(events) - 1 - events[::-1].index("trained")
    assert "test" not in events[:last]
    assert "test" in events[last:]


def test_train_reads_the_test_split_last(events, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "build", small_network)
    call(train, "--arch=resnet20", *QUICK, "--save-dir", tmp_path)
    assert_honest(events)


@pytest.mark.parametrize(
    "schedule",
    [
        ["--recalibrate=2"],
        ["--prune_schedule=iterative", "--steps=2", "--stage_epochs=1"],
        ["--prune_schedule=soft", "--stage_epochs=1"],
        ["--prune_schedule=sparse", "--stage_epochs=1", "--penalty=1"],
    ],
    ids=["one_shot", "iterative", "soft", "sparse"],
)
def test_prune_reads_the_test_split_last(schedule, events, baseline, tmp_path):
    call(prune, *PRUNING, *schedule, "--pretrain_dir", baseline, "--save_dir", tmp_path)
    assert_honest(events)
