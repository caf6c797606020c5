"""The same model for images of another size."""

from collections.abc import Sequence
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.surgery.builder import duplicate_model
from tfprune.surgery.layer_copies import WeightSizeError


def with_input_shape(model: keras.Model, input_shape: Sequence[Any]) -> keras.Model:
    """Return a model with the layers of another one, equal weights and another input shape.

    Args:
        model: a functional or Sequential model.
        input_shape: its new input shape, without the batch; a list of them for several inputs.

    Raises:
        PruningError: shapes for another number of inputs, a shape that is not known in full, or one
            for which the weights have to have other shapes.

    Example:
        >>> model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
        >>> with_input_shape(model, (8, 8, 3)).output_shape
        (None, 6, 6, 2)
    """
    several = any(isinstance(size, list | tuple) for size in input_shape)
    shapes = [tuple(shape) for shape in (input_shape if several else [input_shape])]
    shape = shapes if several else shapes[0]
    if len(model.inputs) != len(shapes):
        raise PruningError(
            f"input_shape: model {model.name!r} has {len(model.inputs)} inputs, received "
            f"{len(shapes)} shapes. Pass a list of {len(model.inputs)} shapes without the batch."
        )
    for old, new in zip(model.inputs, shapes, strict=True):
        if None in new or len(new) != len(old.shape) - 1:
            raise PruningError(
                f"input_shape: expected {len(old.shape) - 1} integers that fit {old.shape[1:]}, "
                f"the input of model {model.name!r}, received {new}."
            )
    try:
        return duplicate_model(model, shapes=[(None, *new) for new in shapes])
    except WeightSizeError as error:  # a Dense behind Flatten would silently grow
        reason = f"weight {error.weight!r} of shape {error.wanted} would need {error.made}"
        raise _unsuitable(model, shape, reason) from error
    except ValueError as error:
        raise _unsuitable(model, shape, str(error)) from error


def _unsuitable(model: keras.Model, shape: Any, reason: str) -> PruningError:
    return PruningError(
        f"input_shape: model {model.name!r} does not fit {shape}: {reason}. Take a size for "
        "which it was built, or end it in global pooling."
    )
