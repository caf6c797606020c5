"""Every preset is a command line that its script takes."""

from pathlib import Path

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver

import flags.architecture
import flags.dataset
import flags.pruning
import flags.schedule
import flags.stage_training
import flags.training
import models.compress_rates
import prune
import train
from flags import commandline

ROOT = Path(__file__).parents[2]
SCRIPTS = {"train": train, "prune": prune}


def presets():
    """Return the files of all presets; their names end in _train or _prune."""
    return sorted((ROOT / "flags" / "presets").glob("*.cfg"))


@pytest.mark.parametrize("path", presets(), ids=lambda path: path.stem)
def test_a_preset_is_taken_by_its_script(path):
    script = SCRIPTS[path.stem.rpartition("_")[2]]
    with flagsaver.flagsaver():
        script.define_flags()
        assert commandline.parse(["script", f"--flagfile={path}"]) == ["script"]
        assert flags.training.recipe(seed=0) is not None
        between = 0
        if script is prune:
            schedule = flags.schedule.name(flags.pruning.schedule())
            between = flags.schedule.stage_epochs(schedule)
            commandline.refuse_idle(flags.pruning.idle() | flags.schedule.idle(schedule))
            recipe = flags.stage_training.recipe(0, between, schedule)
            assert (recipe is None) == (schedule == "one_shot")
            assert flags.pruning.request()["method"] == absl_flags.FLAGS.method
            assert flags.architecture.name() in models.names()
            check_rates()
        idle = flags.dataset.idle() | flags.training.idle(between=between)
        commandline.refuse_idle(idle)


def check_rates():
    """A list of compress rates has the length of its network's."""
    rates = absl_flags.FLAGS.compress_rate
    if rates is not None:
        assert models.compress_rates.counts(flags.architecture.name(), rates)
