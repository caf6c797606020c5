"""When channels go, and what happens between the cuts."""

from typing import Any

from absl import flags

from tfprune.errors import PruningError
from tfprune.schedules import COURSES

FLAGS = flags.FLAGS
_STAGE = {"stage_epochs", "stage_option"}
# What each schedule reads besides its name.
_READS = {
    "one_shot": set(),
    "layer_by_layer": {*_STAGE, "layer_lr"},
    "iterative": {*_STAGE, "steps", "course"},
    "soft": _STAGE,
}
_PLANNED = {"steps": "steps", "course": "course", "layer_lr": "layer_rate"}  # names in a Plan


def define() -> None:
    """Define the flags of the schedule."""
    flags.DEFINE_enum(
        "prune_schedule",
        None,
        list(_READS),
        "When channels go: one_shot, layer_by_layer with training in between, iterative (score, "
        "prune a part, train, again), or soft (filters are zeroed while they train); without it "
        "as the method's paper.",
    )
    flags.DEFINE_bool("smooth", False, "GFBS' word for --prune_schedule=layer_by_layer.")
    flags.DEFINE_integer("steps", 3, "Steps of --prune_schedule=iterative.", lower_bound=2)
    flags.DEFINE_enum(
        "course", "cubic", list(COURSES), "How the steps of --prune_schedule=iterative grow."
    )
    flags.DEFINE_integer(
        "recalibrate",
        0,
        "Batches of training images, augmented as in training, on which the statistics of "
        "BatchNormalization are estimated anew after each cut, before any training; 0: none.",
        lower_bound=0,
    )


def name(default: str) -> str:
    """Return the schedule's name.

    Args:
        default: the method's own schedule.

    Raises:
        PruningError: --smooth beside another schedule.
    """
    given = FLAGS.prune_schedule
    if FLAGS.smooth and given not in (None, "layer_by_layer"):
        raise PruningError(
            f"--smooth means --prune_schedule=layer_by_layer, but {given} was asked for. Leave "
            "one of them out."
        )
    return "layer_by_layer" if FLAGS.smooth else given or default


def values(schedule: str) -> dict[str, Any]:
    """Return the schedule's own settings, as `tfprune.runs.Plan` takes them."""
    return {
        planned: FLAGS[flag].value for flag, planned in _PLANNED.items() if flag in _READS[schedule]
    }


def stage_epochs(schedule: str) -> int:
    """Return the epochs of training between the cuts, 0 for none."""
    return FLAGS.stage_epochs if "stage_epochs" in _READS[schedule] else 0


def recalibration() -> int:
    """Return on how many batches statistics are estimated anew."""
    return FLAGS.recalibrate


def idle(schedule: str) -> dict[str, str]:
    """Return the flags without effect, with the reason.

    Args:
        schedule: the schedule's name.
    """
    every = set().union(*_READS.values())
    reason = f"--prune_schedule={schedule} does not read it."
    return dict.fromkeys(sorted(every - _READS[schedule]), reason)
