"""What identifies a training: the model, the data and the recipe it began with."""

import dataclasses
import hashlib
from collections.abc import Mapping

import keras
import numpy as np

from tfprune.training.distillation import Distillation
from tfprune.training.epoch_feed import Feed
from tfprune.training.recipe import Recipe


def settings(
    model: keras.Model,
    recipe: Recipe,
    teacher: keras.Model | Distillation | None,
    data: object,
    source: Feed,
) -> dict:
    """Return what the outcome of a training depends on, as plain values by name."""
    plain = {f.name: _plain(getattr(recipe, f.name)) for f in dataclasses.fields(recipe)}
    if isinstance(teacher, Distillation):
        plain |= {"teacher_weight": teacher.weight, "temperature": teacher.temperature}
        teacher = teacher.teacher
    return {
        **plain,
        "teacher": None if teacher is None else digest(teacher.get_weights()),
        "model": digest(model.get_weights()),
        "layers": [type(layer).__name__ for layer in model.layers],
        # Only a dataclass says what it is made of; others show their address.
        "data": repr(data) if dataclasses.is_dataclass(data) else type(data).__name__,
        "steps_per_epoch": source.steps,
    }


def _plain(value: object) -> object:
    if isinstance(value, keras.optimizers.Optimizer):
        return keras.optimizers.serialize(value)
    if isinstance(value, keras.losses.Loss):
        return keras.losses.serialize(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(own) for own in value]
    if dataclasses.is_dataclass(value):
        return repr(value)
    return getattr(value, "__name__", str(value)) if callable(value) else value


def digest(arrays: list[np.ndarray]) -> str:
    """Return a fingerprint of arrays: equal for equal values, types and shapes.

    Example:
        >>> digest([np.zeros(2)]) == digest([np.zeros(2)]) != digest([np.zeros((2, 1))])
        True
    """
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
