"""Readable, unique names for the layers of an opened model: `stages.0.conv1`, `block_3.query`."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import keras

from tfprune.graph.keras_graph import is_graph
from tfprune.graph.keras_private import own_attributes


class Names:
    """The names of one model, none of them twice."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def forget(self, names: set[str]) -> None:
        """Let names be given anew, of operations that a trace gave up."""
        self._used -= names

    def unique(self, *parts: str) -> str:
        """Return the parts joined by dots, with a number where the name is taken.

        Keras itself allows no slash in a name.
        """
        name = ".".join(part.replace("/", ".") for part in parts if part) or "model"
        tries = itertools.chain([name], (f"{name}_{n}" for n in itertools.count(1)))
        found = next(x for x in tries if x not in self._used)
        self._used.add(found)
        return found


def labels(layer: keras.Layer) -> dict[int, str]:
    """Return {id of a layer within a layer: what its owner's code calls it}.

    Args:
        layer: a composite layer or a subclassed model.

    Example:
        >>> class Block(keras.layers.Layer):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.convs = [keras.layers.Conv2D(2, 1), keras.layers.Conv2D(2, 1)]
        >>> list(labels(Block()).values())
        ['convs.0', 'convs.1']
    """
    found: dict[int, str] = {}
    if is_graph(layer):  # Keras' own notes hold the layers
        return found
    for key, value in own_attributes(layer).items():
        for part, inner in _layers(value, key.strip("_")):
            found.setdefault(id(inner), part)
    return found


def _layers(value: Any, name: str) -> Iterator[tuple[str, keras.Layer]]:
    if isinstance(value, keras.Layer):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _layers(part, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _layers(part, f"{name}.{number}")


def label(operation: Any, given: dict[int, str]) -> str:
    """Return what an operation is called within its owner: its own name, unless Keras counted it.

    Args:
        operation: a layer or an operation.
        given: as `labels` of its owner.

    Example:
        >>> label(keras.layers.Dense(2, name="query"), {}), label(keras.layers.Dense(2), {})
        ('query', 'dense')
    """
    kind = _snake(type(operation).__name__)
    counted = re.fullmatch(rf"{re.escape(kind)}(_\d+)?", operation.name)
    return given.get(id(operation), kind) if counted else operation.name


def _snake(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
