"""The comparison's command lines are taken, and its table holds the reports' figures."""

from pathlib import Path

import pytest
from absl.testing import flagsaver

import flags.pruning
import flags.schedule
import flags.training
import prune
import train
from benchmarks import comparison
from flags import commandline
from tfprune import criteria, plugins


@pytest.mark.parametrize("name", comparison.RUNS)
def test_every_run_is_a_command_line_of_prune(name):
    _, _, *arguments = comparison.pruning(name, Path("/runs"), ["--data_dir=/data"])
    with flagsaver.flagsaver():
        prune.define_flags()
        assert commandline.parse(["prune.py", *arguments]) == ["prune.py"]
        assert flags.pruning.amount() == {"macs": 0.5}
        schedule = flags.schedule.name(flags.pruning.schedule())
        between = flags.schedule.stage_epochs(schedule)
        commandline.refuse_idle(
            flags.pruning.idle()
            | flags.schedule.idle(schedule)
            | flags.training.idle(between=between)
        )
        recipe = flags.training.recipe(0)
        assert between + (recipe.epochs if recipe else 0) == 5


def test_the_baseline_is_a_command_line_of_train():
    _, _, *arguments = comparison.command("train.py", Path("/runs"), comparison.BASELINE)
    with flagsaver.flagsaver():
        train.define_flags()
        assert commandline.parse(["train.py", *arguments]) == ["train.py"]
        commandline.refuse_idle(flags.training.idle())


def test_no_method_is_forgotten():
    methods = {flags.split("--method=")[1].split()[0] for flags in comparison.RUNS.values()}
    assert methods == set(plugins.names(criteria))


def report(accuracy, parameters=100):
    return {"results": {"accuracy": accuracy}, "parameters": parameters, "macs": 5000}


def test_the_table_starts_with_the_baseline():
    found = {
        "before": report(0.9, 200),
        "after": report(0.85),
        "before_fine_tuning": {"accuracy": 0.1},
        "after_recalibration": {"accuracy": 0.2},
        "seconds": {"score": 1.234},
    }
    rows = [
        comparison.whole(found),
        comparison.row("l1", found),
        comparison.row("l2", found | {"seconds": {}}),
    ]
    assert comparison.text(rows).splitlines()[1:] == [
        "none,,,90.00,200,5000,",
        "l1,10.00,20.00,85.00,100,5000,1.23",
        "l2,10.00,20.00,85.00,100,5000,",
    ]
