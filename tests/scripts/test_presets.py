"""Every preset is a command line that its script takes."""

from pathlib import Path

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver

import flags.dataset
import flags.pruning
import flags.training
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
        commandline.refuse_idle({**flags.dataset.idle(), **flags.training.idle()})
        if script is prune:
            commandline.refuse_idle(flags.pruning.idle())
            assert flags.pruning.request()["method"] == absl_flags.FLAGS.method
