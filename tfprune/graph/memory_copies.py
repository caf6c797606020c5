"""Copies of layers and operations as they stand in memory, past their config."""

import copy
import sys
from typing import Any

import keras

from tfprune.graph.keras_private import CALLS, inner_layers, is_tracked


def shallow_copy(layer: Any, **attributes: Any) -> Any:
    """Return a layer that shares all with another one but some attributes; call it on data only.

    Args:
        layer: a built layer, or an operation; it is not changed.
        **attributes: the attributes of the copy.
    """
    new = object.__new__(type(layer))
    new.__dict__.update(layer.__dict__)
    new.__dict__.update(attributes)  # past Keras' attribute tracking, which the two share
    return new


def uncalled_copy(operation: Any, **attributes: Any) -> Any:
    """Return a layer that shares all with another one but its calls and some attributes.

    Args:
        operation: a built layer or an operation; it is not changed.
        **attributes: the attributes of the copy.
    """
    return shallow_copy(operation, **{key: [] for key in CALLS}, **attributes)


def deep_copy(layer: keras.Layer) -> keras.Layer:
    """Return a copy of a built layer with variables of its own and no calls.

    Python's own copy of a layer goes through a file, as Keras lets it.

    Args:
        layer: the layer; it is only read.
    """
    parts = [layer, *inner_layers(layer)]
    copies = {id(part): object.__new__(type(part)) for part in parts}
    known: dict[int, Any] = {id(module): module for module in sys.modules.values()} | copies
    # Keras' tracked lists refuse new members once a layer is built: plain ones take their place.
    tracked = [x for part in parts for x in vars(part).values() if is_tracked(x)]
    known.update((id(x), type(x).__base__()) for x in tracked)
    for x in tracked:
        plain = known[id(x)]
        add = plain.extend if isinstance(plain, list) else plain.update
        add(copy.deepcopy(type(plain)(x), known))
    for part in parts:  # its calls would drag the whole graph along
        own = {key: value for key, value in vars(part).items() if key not in CALLS}
        copies[id(part)].__dict__.update({key: [] for key in CALLS} | copy.deepcopy(own, known))
    return copies[id(layer)]
