"""The training between the cuts, where it differs from the one after the last cut."""

from typing import Any

from absl import flags

from flags import commandline, optimizer, training
from tfprune import plugins, schedules
from tfprune.errors import PruningError
from tfprune.training import Recipe

FLAGS = flags.FLAGS
PREFIX = "stage_"
NAMES = tuple(f"{PREFIX}{name}" for name in training.SETTINGS)


def define() -> None:
    """Define the flags of the training between the cuts, after those of the last one."""
    flags.DEFINE_integer(
        "stage_epochs", 1, "Epochs after each layer or step, or of soft training.", lower_bound=1
    )
    for name in training.SETTINGS:
        _define_as(name)
    flags.DEFINE_float(
        "layer_lr",
        None,
        "GFI-AP's learning rate after each layer, for 20 points of training accuracy lost, e.g. "
        "0.008; without it --stage_learning_rate.",
    )


def _define_as(name: str) -> None:
    last, own = FLAGS[name], f"{PREFIX}{name}"
    text = f"As --{name}, but for the training between the cuts; without it --{name}."
    if last.boolean:
        flags.DEFINE_bool(own, None, text)
    else:
        flags.DEFINE(last.parser, own, None, text, serializer=last.serializer)


def recipe(seed: int, epochs: int, schedule: str) -> Recipe | None:
    """Return how to train between the cuts, None for no epochs.

    Args:
        seed: of everything random in the training.
        epochs: how long.
        schedule: when channels go; "soft" clips gradients unless the flags say something else.

    Raises:
        PruningError: the flags do not suit so short a training, or one has no effect.
    """
    if not epochs:
        return None
    differing = own()
    clip = FLAGS.clip_norm or plugins.find(schedules, schedule, "schedule").SCHEDULE.clip_norm
    try:
        found = training.recipe(seed, epochs, {"clip_norm": clip} | differing)
    except PruningError as error:
        raise PruningError(f"--stage_epochs={epochs}: {error}") from error
    idle = training.idle_settings(differing)
    if FLAGS.layer_lr is not None:
        idle |= dict.fromkeys(optimizer.RATE, "--layer_lr sets the rate.")
    commandline.refuse_idle({f"{PREFIX}{name}": reason for name, reason in idle.items()})
    return found


def own() -> dict[str, Any]:
    """Return {setting: its value} where this training differs."""
    values = {name: FLAGS[f"{PREFIX}{name}"].value for name in training.SETTINGS}
    return {name: value for name, value in values.items() if value is not None}


def elsewhere() -> set[str]:
    """Return the settings that this training does not take from their own flags.

    Raises:
        PruningError: --layer_lr is not above 0.
    """
    if FLAGS.layer_lr is not None and not FLAGS.layer_lr > 0:
        raise PruningError(f"--layer_lr: expected a rate above 0, received {FLAGS.layer_lr}.")
    return {*own(), *(optimizer.RATE if FLAGS.layer_lr is not None else ())}
