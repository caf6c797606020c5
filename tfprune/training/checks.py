"""Every refusal of a training that needs more than the recipe to be seen."""

import dataclasses
from collections.abc import Sequence

import keras

from tfprune.errors import PruningError, unknown
from tfprune.training.epoch_feed import Feed
from tfprune.training.options import RecipeOptions
from tfprune.training.recipe import Recipe


def complete(recipe: Recipe | None, settings: RecipeOptions) -> Recipe:
    """Return the recipe with the settings put into it.

    Raises:
        PruningError: an unknown setting, or no number of epochs.

    Example:
        >>> complete(Recipe(epochs=5), {"learning_rate": 0.1}).learning_rate
        0.1
    """
    fields = [field.name for field in dataclasses.fields(Recipe)]
    for name in settings:
        if name not in fields:
            raise unknown("setting", name, fields)
    if recipe is not None:
        return dataclasses.replace(recipe, **settings)
    if "epochs" not in settings:
        raise PruningError("How long to train is missing: give epochs=..., or a recipe.")
    return Recipe(**settings)


def check(
    recipe: Recipe,
    source: Feed,
    held_out: Feed | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Refuse settings that do not go with the data or the callbacks.

    Raises:
        PruningError: they do not.
    """
    if recipe.restore_best and held_out is None:
        raise PruningError(
            "restore_best=True needs a validation split to choose the epoch by: give validation=..."
        )
    if not recipe.fixed_rate and source.steps is None:
        raise PruningError(
            f"schedule={recipe.schedule!r} with warmup_epochs={recipe.warmup_epochs} needs to know "
            "how many batches an epoch has, and this dataset does not say. Use "
            "dataset.apply(tf.data.experimental.assert_cardinality(steps))."
        )
    for callback in callbacks:
        _check_callback(callback, recipe)


def _check_callback(callback: keras.callbacks.Callback, recipe: Recipe) -> None:
    name = type(callback).__name__
    if isinstance(callback, keras.callbacks.BackupAndRestore):
        raise PruningError(f"{name} steers Keras' fit only: use checkpoint_dir=... instead.")
    setters = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
    if isinstance(callback, setters) and not recipe.fixed_rate:
        raise PruningError(
            f"{name} and schedule={recipe.schedule!r} with warmup_epochs={recipe.warmup_epochs} "
            "both set the learning rate. Use schedule='constant' without warm-up, or leave the "
            "callback out."
        )
