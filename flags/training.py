"""How a network is trained, from scratch or after pruning."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from absl import flags

from flags import optimizer
from tfprune.data import DataSet, class_weights
from tfprune.errors import PruningError
from tfprune.training import Recipe
from tfprune.training.recipe import without_effect

FLAGS = flags.FLAGS
# What a training reads besides its epochs and its batches.
SETTINGS = (*optimizer.SETTINGS, "label_smoothing", "precision")
_FIELDS = {"decay_step": "decay_steps", "warmup": "warmup_epochs"}  # what `Recipe` calls them


def define(*, epochs: int, decay_step: str) -> None:
    """Define the flags of training.

    Args:
        epochs: default of --epochs.
        decay_step: default of --decay_step.
    """
    flags.DEFINE_integer("epochs", epochs, "Epochs.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 128, "Images per step.", lower_bound=1)
    flags.DEFINE_integer(
        "accumulate",
        1,
        "Parts that a batch goes through the model in, one after the other, where it does not fit.",
        lower_bound=1,
    )
    optimizer.define(decay_step=decay_step)
    flags.DEFINE_bool(
        "restore_best",
        True,
        "Keep the epoch that the validation split likes best; else, or without one, the last.",
    )
    flags.DEFINE_float("label_smoothing", 0.0, "Label smoothing, in [0, 1).", 0.0, 1.0)
    flags.DEFINE_enum(
        "precision",
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "Precision of the computation; weights are float32.",
    )
    flags.DEFINE_bool(
        "sync_batch_norm",
        False,
        "Let batch normalisation see the images of all devices and workers, not its own share.",
    )
    flags.DEFINE_string(
        "augment",
        None,
        "Augmentation: none, crop, crop_flip or shift_flip, with masks scale_crop_flip; without it "
        "what suits the data set.",
    )
    flags.DEFINE_enum(
        "class_weight",
        "none",
        ["none", *class_weights.BALANCES],
        "What the loss of each class counts with masks: by median(f)/f of its share f of pixels, "
        "or by the root of that.",
    )


def recipe(
    seed: int, epochs: int | None = None, own: Mapping[str, Any] | None = None
) -> Recipe | None:
    """Return how to train, None for no epochs.

    Args:
        seed: of everything random in the training.
        epochs: how long; None: as --epochs says.
        own: {one of `SETTINGS`: its value here}, instead of the flag's.

    Raises:
        PruningError: a value out of range, or --decay_step is no list of epochs.
    """
    epochs = FLAGS.epochs if epochs is None else epochs
    if epochs == 0:
        return None
    use = settings(own)
    use |= {
        "decay_step": _epochs(use["decay_step"]) if use["schedule"] == "step" else (),
        "clip_norm": use["clip_norm"] or None,
        "precision": None if use["precision"] == "float32" else use["precision"],
    }
    idle = without_effect(_fields(use))
    return Recipe(
        epochs=epochs,
        **{name: value for name, value in _fields(use).items() if name not in idle},
        sync_batch_norm=FLAGS.sync_batch_norm,
        accumulate=FLAGS.accumulate,
        restore_best=None if FLAGS.restore_best else False,
        seed=seed,
    )


def suited(recipe: Recipe | None, data: DataSet) -> Recipe | None:
    """Return a recipe for the task of a data set, with the weights of its classes.

    Args:
        recipe: how to train; None: not at all.
        data: what is trained on.

    Raises:
        PruningError: --class_weight with labels that are no masks.
    """
    if recipe is None:
        return None
    weights = None
    if FLAGS.class_weight != "none":
        weights = class_weights.balanced(data, FLAGS.class_weight)
    return dataclasses.replace(recipe, task=data.task, class_weight=weights)


def batches() -> dict[str, Any]:
    """Return how images become batches, as `tfprune.runs.Feeding` takes it."""
    return {"batch_size": FLAGS.batch_size, "augment": FLAGS.augment}


def idle(*, between: int = 0, elsewhere: Iterable[str] = ()) -> dict[str, str]:
    """Return the flags without effect, with the reason.

    Args:
        between: epochs of training between the cuts of a schedule.
        elsewhere: settings that this training takes from other flags.
    """
    if FLAGS.epochs == 0 and between == 0:
        trained = (
            *SETTINGS,
            "restore_best",
            "sync_batch_norm",
            "accumulate",
            "augment",
            "class_weight",
        )  # batches are needed to evaluate
        return dict.fromkeys(trained, "nothing is trained with --epochs=0.")
    if FLAGS.epochs:
        return idle_settings()
    reason = "the training between the cuts has its own, and --epochs=0 trains no further."
    return {**dict.fromkeys(elsewhere, reason), **idle_settings()}


def idle_settings(own: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the `SETTINGS` that do nothing beside the others, with the reason.

    Args:
        own: as for `recipe`.
    """
    found = without_effect(_fields(settings(own)))
    return {name: f"it {found[field]}." for name, field in _named().items() if field in found}


def settings(own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return {one of `SETTINGS`: its value}, those of `own` instead of the flags'."""
    return {**{name: FLAGS[name].value for name in SETTINGS}, **(own or {})}


def _named() -> dict[str, str]:
    """Return {one of `SETTINGS`: the field of `Recipe`}."""
    return {name: _FIELDS.get(name, name) for name in SETTINGS}


def _fields(use: Mapping[str, Any]) -> dict[str, Any]:
    return {field: use[name] for name, field in _named().items()}


def _epochs(steps: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(step) for step in steps)
    except ValueError as error:
        raise PruningError(
            f"--decay_step: expected whole epochs such as 80,120, received {','.join(steps)}."
        ) from error
