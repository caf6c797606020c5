"""The same model for images of another size."""

from collections.abc import Sequence

import keras

from tfprune.errors import PruningError
from tfprune.surgery.builder import duplicate_model
from tfprune.surgery.layer_copies import WeightSizeError


def with_input_shape(model: keras.Model, input_shape: Sequence[int]) -> keras.Model:
    """Return a model with the layers of another one, equal weights and another input shape.

    Args:
        model: a functional or Sequential model of one input.
        input_shape: its new input shape, without the batch.

    Raises:
        PruningError: several inputs, a shape that is not known in full, or one for which the
            weights have to have other shapes.

    Example:
        >>> model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
        >>> with_input_shape(model, (8, 8, 3)).output_shape
        (None, 6, 6, 2)
    """
    shape = tuple(input_shape)
    if len(model.inputs) != 1:
        raise PruningError(
            f"input_shape: model {model.name!r} has {len(model.inputs)} inputs, expected 1. Build "
            "it with inputs of a fixed size."
        )
    old = model.inputs[0]
    if None in shape or len(shape) != len(old.shape) - 1:
        raise PruningError(
            f"input_shape: expected {len(old.shape) - 1} integers that fit {old.shape[1:]}, the "
            f"input of model {model.name!r}, received {shape}."
        )
    try:
        return duplicate_model(model, shapes=[(None, *shape)])
    except WeightSizeError as error:  # a Dense behind Flatten would silently grow
        reason = f"weight {error.weight!r} of shape {error.wanted} would need {error.made}"
        raise _misfit(model, shape, reason) from error
    except ValueError as error:
        raise _misfit(model, shape, str(error)) from error


def _misfit(model: keras.Model, shape: tuple[int, ...], reason: str) -> PruningError:
    return PruningError(
        f"input_shape: model {model.name!r} does not fit {shape}: {reason}. Take a size for "
        "which it was built, or end it in global pooling."
    )
