"""Stand-ins for a user's layers, so that tracing leaves no mark on them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

_KERAS = f"{Path(keras.__file__).parent}{os.sep}"  # not keras_hub, which lies beside it
# What Keras notes about a layer; the variables within are those of the attributes.
_BOOKS = ("_trainable_variables", "_non_trainable_variables", "_seed_generators", "_layers",
          "_metrics", "_losses", "_tracker")  # fmt: skip


class ChangedAttributeError(Exception):
    """A call sets an attribute of its layer."""


class _NoTracking:
    """In place of Keras' tracker: a call that sets an attribute has a state."""

    locked = True

    def track(self, value: Any) -> Any:
        frame = sys._getframe(1)
        name = "?"
        while frame.f_code.co_name == "__setattr__":
            name = frame.f_locals.get("name", name)
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(_KERAS):  # Keras' own notes: `built`
            return value
        raise ChangedAttributeError(f"sets the attribute {name!r}, a state that a call changes")


def calling_twin(operation: Any, name: str) -> Any:
    """Return an operation that shares all with another one but its calls and its name.

    Args:
        operation: a built layer or an operation; it is not changed.
        name: the twin's name.
    """
    new = object.__new__(type(operation))
    new.__dict__.update(operation.__dict__)
    new.__dict__.update(name=name, _inbound_nodes=[], _outbound_nodes=[])
    return new


def open_twin(layer: keras.Layer, tensor: Callable[[Any, str], Any], run: Callable) -> Any:
    """Return a stand-in for a composite layer whose call is to be traced.

    Args:
        layer: the layer; it is not changed.
        tensor: (variable, attribute) -> the symbolic tensor that stands for a weight of its own.
        run: what runs in place of the symbolic call.
    """
    new = calling_twin(layer, layer.name)
    for key, value in vars(layer).items():
        if key not in _BOOKS and not key.startswith("_self_") and _holds_variable(value):
            new.__dict__[key] = _replaced(value, key, tensor)
    new.__dict__.update(_tracker=_NoTracking(), _losses=[], symbolic_call=run)
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
