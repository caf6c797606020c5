"""Stand-ins for a user's layers: they are called in the layers' place, which stay as they are."""

from collections.abc import Callable
from typing import Any

import keras

from tfprune.graph.keras_private import is_tracked, own_attributes, refuse_changes
from tfprune.graph.memory_copies import uncalled_copy


def stand_in(layer: keras.Layer, tensor: Callable[[Any, str], Any], run: Callable) -> Any:
    """Return a stand-in for a composite layer whose call is to be traced.

    Args:
        layer: the layer; it is not changed.
        tensor: (variable, attribute) -> the symbolic tensor that stands for a weight of its own.
        run: what runs in place of the symbolic call.
    """
    new = uncalled_copy(layer)
    for key, value in own_attributes(layer).items():
        # A list that a call notes its features in is the layer's own, and stays as it is.
        if _holds_variable(value) or type(value) in (list, dict) or is_tracked(value):
            new.__dict__[key] = _replaced(value, key, tensor)
    refuse_changes(new, run)
    return new


def _holds_variable(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_variable, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_variable, value))
    return isinstance(value, keras.Variable)


def _replaced(value: Any, name: str, tensor: Callable[[Any, str], Any]) -> Any:
    """Return plain containers with tensors in place of variables."""
    if isinstance(value, dict):
        return {key: _replaced(x, f"{name}.{key}", tensor) for key, x in value.items()}
    if isinstance(value, list | tuple):
        made = [_replaced(x, f"{name}.{i}", tensor) for i, x in enumerate(value)]
        return tuple(made) if isinstance(value, tuple) else made
    return tensor(value, name) if isinstance(value, keras.Variable) else value
