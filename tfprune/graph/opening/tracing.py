"""Run a model's calls on symbolic tensors, down to layers that a rule describes."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfprune.graph.keras_graph import is_graph, replay
from tfprune.graph.keras_private import outside_calls
from tfprune.graph.opening.composite import is_composite
from tfprune.graph.opening.kept_calls import KeptCalls
from tfprune.graph.opening.own_calls import call_itself, with_training
from tfprune.graph.opening.refusals import NotOpenedError, reason
from tfprune.graph.opening.rewriting import Rewriting
from tfprune.graph.opening.scopes import Scope, Scopes
from tfprune.graph.opening.sizes import Sizes
from tfprune.graph.opening.stock import (
    dropout_for,
    in_safe_order,
    is_matrix_product,
    nameless_function,
    unknown_function,
)
from tfprune.graph.opening.training import BranchError, Training
from tfprune.graph.opening.weights import Weights
from tfprune.graph.rules import has_role

# Operations that call functions: loops, and branches by the data.
_HOLDING_CODE = """AssociativeScan Cond ForiLoop Map Scan Switch VectorizedMap WhileLoop""".split()


class Tracer:
    """One trace of one model: it answers for Keras while `watched` lets it.

    Args:
        model: the model; it is not changed.
        sizes: what stands for its open sizes.
        closed: tells of a layer's name whether it is to be left whole.
        strict: refuse a layer that cannot be opened; else it is left whole.
        shared: ids of weights that are read in several ways: the stock layers that have them are
            opened too.
    """

    def __init__(
        self,
        model: keras.Model,
        sizes: Sizes,
        closed: Callable[[str], bool],
        *,
        strict: bool,
        shared: frozenset[int] = frozenset(),
    ):
        self.model, self.sizes, self.closed, self.strict = model, sizes, closed, strict
        self.rewriting = Rewriting(sizes)
        self.scopes = Scopes(model)
        self.calls = KeptCalls(sizes, self.scopes)
        self.weights = Weights(model, self.calls, shared)
        self.reasons: dict[str, str] = {}  # of the layers that are left whole
        self.branching: list[str] = []
        self.opened = 0  # composite layers, and the model itself if it is one
        self._dropping: dict[int, tuple[Any, Any]] = {}  # with the layer, lest its id returns

    @property
    def busy(self) -> bool:
        """Whether Keras works by itself."""
        return self.calls.busy

    def run(self, args: tuple, kwargs: dict) -> Any:
        """Return the model's outputs, nested as it returns them.

        Args:
            args: symbolic tensors, nested as the model takes them.
            kwargs: those that it takes by name.
        """
        if is_graph(self.model):
            flat = keras.tree.flatten(args)
            with outside_calls():
                return replay(self.model, flat, lambda op, args, kwargs: op(*args, **kwargs))
        return self._opened(self.model, args, kwargs, self.scopes.current)

    def layer(self, layer: keras.Layer, args: tuple, kwargs: dict) -> Any:
        """Trace the call of a layer."""
        kwargs = {k: v for k, v in kwargs.items() if not isinstance(v, Training)}
        args, kwargs = self._without_weights((args, kwargs))
        if not (is_composite(layer) or is_graph(layer) or self.weights.are_shared(layer)):
            return self._stock_layer(layer, args, kwargs)
        scope = self.scopes.of(layer)
        if self.closed(scope.path):
            return self.calls.call(layer, args, kwargs)
        known = self.calls.known()
        try:
            self.weights.note_read((args, kwargs))
            outputs = self._opened(layer, args, kwargs, scope)
            self.opened += is_composite(layer)
            return outputs
        except NotOpenedError:
            raise
        except Exception as error:  # whatever a call raises on tensors without numbers
            if self.strict or not layer.built:
                raise self.refused(layer, error, scope.path) from error
            self.calls.give_up(known)
            self.reasons[scope.path] = reason(error)
            return self._left_whole(layer, args, kwargs, scope.path)

    def _left_whole(self, layer: keras.Layer, args: tuple, kwargs: dict, path: str) -> Any:
        try:
            return self.calls.call(layer, args, kwargs)
        except Exception as error:  # whatever it raises when called by itself
            why = f"{path} cannot be opened: {self.reasons.pop(path)}; nor called by itself"
            raise RuntimeError(f"{why}: {reason(error)}") from None

    def _stock_layer(self, layer: keras.Layer, args: tuple, kwargs: dict) -> Any:
        self.weights.note_read((args, kwargs))
        # One made with a policy's object has no config, so that no file could hold it.
        if has_role(layer, "identity") and not is_graph(self.scopes.current.layer):
            return args[0]
        if (function := nameless_function(layer)) is not None:
            return function(*args)
        # In a graph of its own it is a layer that its user has named; in a call, nobody sees it.
        if not is_graph(self.scopes.current.layer):
            function = unknown_function(layer)
        if function is None:
            outputs = self.calls.call(layer, args, kwargs)
            activation = self.calls.activations.get(id(layer))
            return outputs if activation is None else activation(outputs)
        return self._tried(function, layer, args, kwargs)

    def _tried(self, function: Callable, layer: keras.Layer, args: tuple, kwargs: dict) -> Any:
        """Trace a function; where that cannot be, call the layer that holds it."""
        known = self.calls.known()
        try:
            return function(*args, **kwargs)
        except Exception:  # whatever a function raises on tensors without numbers
            self.calls.give_up(known)
            return self.calls.call(layer, args, kwargs)

    def operation(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        """Trace the call of an operation."""
        if (kind := type(operation).__name__) in _HOLDING_CODE:
            self.touched(f"runs code of its own within {kind}, which no file could hold")
        args, kwargs = self._without_weights((args, kwargs))
        if is_matrix_product(operation) and (dense := self.weights.dense_for(*args)) is not None:
            return self.calls.call(dense, args[:1], {})
        args = in_safe_order(operation, args)
        self.weights.note_read(args)
        other = self.rewriting.rewritten(operation, args)
        if other is not NotImplemented:
            return other
        return self.calls.call(operation, args, kwargs)

    def _without_weights(self, values: Any) -> Any:
        """Return nested values with symbolic tensors in place of weights."""
        return keras.tree.map_structure(
            lambda x: self.symbol(x) if isinstance(x, keras.Variable) else x, values
        )

    def symbol(self, variable: Any) -> Any:
        """Return the symbolic tensor that stands for a weight."""
        return self.weights.tensor(variable)

    def symbolic(self, values: Any) -> Any:
        """Return the constants among values as tensors that hang on the model's inputs."""

        def hung(value: Any) -> Any:
            if not keras.ops.is_tensor(value) and not isinstance(value, np.ndarray):
                return value
            return keras.ops.add(value, keras.ops.cast(self.calls.zero(), value.dtype))

        return keras.tree.map_structure(hung, values)

    def touched(self, what: str) -> None:
        """Refuse what would be frozen, or changed, by the trace."""
        raise RuntimeError(what)

    def made(self, name: str, make: Callable, args: tuple, kwargs: dict) -> Any:
        """Trace a constant that a call makes."""
        return self.sizes.made(name, make, args, kwargs)

    def refused(self, layer: Any, error: Exception, path: str = "") -> NotOpenedError:
        """Return the error that says which layer cannot be opened, where and why."""
        return NotOpenedError.of(layer, path or layer.name, error)

    def _opened(self, layer: keras.Layer, args: tuple, kwargs: dict, scope: Scope) -> Any:
        """Trace what a composite layer's call does, as far as it can be seen."""
        known = self.calls.known()
        try:
            return self._traced(args, kwargs, scope, Training())
        except BranchError:
            self.calls.give_up(known)
            dropping = self._dropout(layer, args, (scope.prefix or (layer.name,))[-1])
            if dropping is not None:
                return self.calls.call(dropping, args[:1], {})
            self.branching.append(scope.path or layer.name)
            return self._traced(args, kwargs, scope, Training(decided=True))

    def _traced(self, args: tuple, kwargs: dict, scope: Scope, training: Training) -> Any:
        with self.scopes.within(scope):
            kwargs = with_training(scope.layer, kwargs, training)
            return call_itself(scope.layer, args, kwargs, self.weights.own_tensor)

    def _dropout(self, layer: keras.Layer, args: tuple, name: str) -> keras.Layer | None:
        """Return what stands for a layer that drops samples; one for all its calls."""
        if id(layer) not in self._dropping:
            single = len(args) == 1 and isinstance(args[0], keras.KerasTensor)
            found = None
            if single and not layer.trainable_weights:
                with self.calls.working():
                    found = dropout_for(layer, args[0].shape, name)
            self._dropping[id(layer)] = layer, found
        return self._dropping[id(layer)][1]
