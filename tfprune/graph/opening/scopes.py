"""Which composite layers' calls are running, one within another, and the names that follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from tfprune.graph.keras_graph import is_graph
from tfprune.graph.opening.names import label, labels


@dataclass
class Scope:
    """The call of a composite layer.

    Args:
        layer: the layer.
        prefix: names of the layers it lies in, and its own.
        given: {id of a layer within: what the layer's code calls it}.
    """

    layer: keras.Layer
    prefix: tuple[str, ...] = ()
    given: dict[int, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The layer's name in the opened model; "" for the model itself."""
        return ".".join(self.prefix)


class Scopes:
    """The calls that are running.

    Args:
        model: the model whose call is the outermost one.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self._running = [Scope(model, (), labels(model))]

    @property
    def current(self) -> Scope:
        """The innermost call."""
        return self._running[-1]

    @contextmanager
    def within(self, scope: Scope) -> Iterator[None]:
        """Let another call be the innermost one."""
        self._running.append(scope)
        try:
            yield
        finally:
            self._running.pop()

    def of(self, layer: keras.Layer) -> Scope:
        """Return the scope of a layer that the innermost call calls."""
        return Scope(layer, self.path_of(layer), labels(layer))

    def path_of(self, operation: Any) -> tuple[str, ...]:
        """Return the names that lead to what the innermost call calls."""
        return (*self.current.prefix, self.label(operation))

    def label(self, operation: Any) -> str:
        """Return what an operation is called; what no layer of one's own holds keeps its name."""
        if not self.current.prefix and is_graph(self.current.layer):
            return operation.name
        return label(operation, self.current.given)
