"""When channels go, and what happens between the cuts."""

from typing import Any

from absl import flags

from flags import stage_training
from tfprune import plugins, schedules
from tfprune.errors import PruningError
from tfprune.schedules import COURSES
from tfprune.schedules._schedule import Schedule
from tfprune.schedules.sparse import PENALISED

FLAGS = flags.FLAGS
_FLAGS = {"layer_rate": "layer_lr"}  # of settings that are called otherwise on the command line


def define() -> None:
    """Define the flags of the schedule."""
    flags.DEFINE_enum(
        "prune_schedule",
        None,
        plugins.names(schedules),
        "When channels go: one_shot, layer_by_layer with training in between, iterative (score, "
        "prune a part, train, again), soft (filters are zeroed while they train), or sparse (a "
        "penalty draws channels to zero while they train); without it as the method's paper.",
    )
    flags.DEFINE_bool("smooth", False, "GFBS' word for --prune_schedule=layer_by_layer.")
    flags.DEFINE_integer(
        "steps",
        _kind("iterative").settings["steps"],
        "Steps of --prune_schedule=iterative.",
        lower_bound=2,
    )
    flags.DEFINE_enum(
        "course",
        _kind("iterative").settings["course"],
        list(COURSES),
        "How the steps of --prune_schedule=iterative grow.",
    )
    flags.DEFINE_float(
        "penalty",
        _kind("sparse").settings["penalty"],
        "Weight of the penalty of --prune_schedule=sparse.",
        lower_bound=0.0,
    )
    flags.DEFINE_enum(
        "penalised",
        _kind("sparse").settings["penalised"],
        list(PENALISED),
        "What --prune_schedule=sparse draws to zero: the scales of BatchNormalization (network "
        "slimming), or units with all their weights (group lasso).",
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
    return {name: FLAGS[_flag(name)].value for name in _kind(schedule).settings}


def stage_epochs(schedule: str) -> int:
    """Return the epochs of training between the cuts, 0 for none."""
    return FLAGS.stage_epochs if _kind(schedule).trains else 0


def recalibration() -> int:
    """Return on how many batches statistics are estimated anew."""
    return FLAGS.recalibrate


def idle(schedule: str) -> dict[str, str]:
    """Return the flags without effect, with the reason.

    Args:
        schedule: the schedule's name.
    """
    every = set().union(*map(_reads, plugins.names(schedules)))
    reason = f"--prune_schedule={schedule} does not read it."
    return dict.fromkeys(sorted(every - _reads(schedule)), reason)


def _kind(schedule: str) -> Schedule:
    return plugins.find(schedules, schedule, "schedule of pruning").SCHEDULE


def _flag(setting: str) -> str:
    return _FLAGS.get(setting, setting)


def _reads(schedule: str) -> set[str]:
    """Return the flags that a schedule reads besides its name."""
    kind = _kind(schedule)
    stage = {"stage_epochs", *stage_training.NAMES} if kind.trains else set()
    return stage | {_flag(setting) for setting in kind.settings}
