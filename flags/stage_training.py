"""The training between the cuts, where it differs from the one after the last cut."""

from typing import Any

from absl import flags

from flags import commandline, optimizer, pairs, training
from tfprune.errors import PruningError, unknown
from tfprune.training import Recipe

FLAGS = flags.FLAGS
SOFT_CLIP = 1.0  # see `tfprune.schedules.soft`: else filters of zeros leap


def define() -> None:
    """Define the flags of the training between the cuts."""
    flags.DEFINE_integer(
        "stage_epochs", 1, "Epochs after each layer or step, or of soft training.", lower_bound=1
    )
    flags.DEFINE_multi_string(
        "stage_option",
        [],
        "Setting of that training where it differs from the last one, as name=value with the name "
        "of a flag, e.g. decay_step=5,10; may be repeated.",
    )
    flags.DEFINE_float(
        "layer_lr",
        None,
        "GFI-AP's learning rate after each layer, for 20 points of training accuracy lost, e.g. "
        "0.008; without it --learning_rate.",
    )


def recipe(seed: int, epochs: int, schedule: str) -> Recipe | None:
    """Return how to train between the cuts, None for no epochs.

    Args:
        seed: of everything random in the training.
        epochs: how long.
        schedule: when channels go; "soft" clips gradients unless the flags say something else.

    Raises:
        PruningError: the flags do not suit so short a training, a setting that is none, or one
            that has no effect.
    """
    differing = own()
    clips = {"clip_norm": FLAGS.clip_norm or SOFT_CLIP} if schedule == "soft" else {}
    try:
        found = training.recipe(seed, epochs, clips | differing)
    except PruningError as error:
        raise PruningError(f"--stage_epochs={epochs}: {error}") from error
    idle = optimizer.without_effect(training.settings(differing))
    if FLAGS.layer_lr is not None:
        idle |= dict.fromkeys(optimizer.RATE, "--layer_lr sets the rate.")
    commandline.refuse(f"--stage_option={name}: {idle[name]}" for name in differing if name in idle)
    return found


def own() -> dict[str, Any]:
    """Return {setting: its value} where this training differs.

    Raises:
        PruningError: no name=value, an unknown name, or a value that the flag refuses.
    """
    found = pairs.given("stage_option", "decay_step=5,10")
    return {name: _parsed(name, value) for name, value in found.items()}


def elsewhere() -> set[str]:
    """Return the settings that this training does not take from their own flags.

    Raises:
        PruningError: --layer_lr is not above 0, and as `own`.
    """
    if FLAGS.layer_lr is not None and not FLAGS.layer_lr > 0:
        raise PruningError(f"--layer_lr: expected a rate above 0, received {FLAGS.layer_lr}.")
    return {*own(), *(optimizer.RATE if FLAGS.layer_lr is not None else ())}


def _parsed(name: str, value: str) -> Any:
    if name not in training.SETTINGS:
        raise unknown("setting of --stage_option", name, training.SETTINGS)
    try:
        return FLAGS[name].parser.parse(value)
    except ValueError as error:
        raise PruningError(f"--stage_option={name}={value}: {error}.") from error
