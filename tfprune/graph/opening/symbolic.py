"""Watch what a call does with symbolic tensors: the one place that reaches into Keras' calls.

For as long as a model is traced, Keras' entry points ask a watcher first. They are Keras' own
again afterwards, whatever happens, and other threads see no difference.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from numbers import Number
from typing import Any, Protocol
from unittest.mock import patch

import keras
import numpy as np

from tfprune.graph.keras_private import (
    NUMPY_OPERATIONS,
    history,
    output_spec,
    set_history,
    set_shape,
)
from tfprune.graph.opening import tensorflow_calls, variables

_MAKERS = ("arange", "zeros", "ones", "full")
call_layer = keras.Layer.__call__
call_operation = keras.Operation.symbolic_call


class Watcher(Protocol):
    """What is asked in place of Keras."""

    def layer(self, layer: keras.Layer, args: tuple, kwargs: dict) -> Any:
        """Answer for the call of a layer on symbolic tensors."""

    def symbolic(self, values: Any) -> Any:
        """Return symbolic tensors for the constants that a layer with weights is called with."""

    def operation(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        """Answer for the call of an operation on symbolic tensors, or on weights."""

    def symbol(self, variable: Any) -> Any:
        """Return the symbolic tensor that stands for a weight."""

    def touched(self, what: str) -> None:
        """Hear that a call reads or changes what is no tensor."""

    def made(self, name: str, make: Callable, args: tuple, kwargs: dict) -> Any:
        """Answer for a constant that a call makes."""


def is_symbolic(values: Any) -> bool:
    """Return whether symbolic tensors are among nested values."""
    return any(isinstance(x, keras.KerasTensor) for x in keras.tree.flatten(values))


def _is_traced(values: Any) -> bool:
    """Return whether a call is one of the trace's: on symbolic tensors, or on weights."""
    return is_symbolic(values) or variables.holds_variable(values)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Let a watcher answer for symbolic calls of this thread.

    Args:
        watcher: what is asked.
    """
    thread = threading.get_ident()

    def mine() -> bool:
        return threading.get_ident() == thread and not watcher.busy

    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mine() and _is_traced((args, kwargs)):
            return watcher.layer(self, args, kwargs)
        if mine() and self.trainable_weights:
            return watcher.layer(self, *watcher.symbolic((args, kwargs)))
        return call_layer(self, *args, **kwargs)

    def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mine() and not isinstance(self, keras.Layer):
            return watcher.operation(self, args, kwargs)
        return call_operation(self, *args, **kwargs)

    with ExitStack() as stack:
        replace = stack.enter_context
        replace(patch.object(keras.Layer, "__call__", layer))
        replace(patch.object(keras.Operation, "symbolic_call", operation))
        for place, name, answer in _answers(watcher, mine):
            replace(patch.object(place, name, answer))
        replace(_plain_errors())
        yield


def _answers(watcher: Watcher, mine: Callable[[], bool]) -> Iterator[tuple[Any, str, Any]]:
    """Yield (place, name, what stands there while a model is traced)."""
    for place, name, what in _TOUCHES:
        yield place, name, _telling(place, name, what, watcher, mine)
    for name in _MAKERS:
        maker = _making(name, getattr(keras.ops, name), watcher, mine)
        yield keras.ops, name, maker
        yield NUMPY_OPERATIONS, name, maker
    yield keras.ops, "ndim", _answering(keras.ops.ndim, lambda x: len(x.shape), mine)
    yield from variables.calls(watcher.symbol, mine)
    yield keras.KerasTensor, "__eq__", _comparing(keras.KerasTensor.__eq__, mine)
    for place, name, answer in tensorflow_calls.calls():
        yield place, name, _answering(getattr(place, name), answer, mine)


_TOUCHES = (
    (keras.Variable, "value", "reads the numbers of a weight"),
    (keras.Variable, "assign", "changes a weight"),
    (keras.random.SeedGenerator, "next", "draws random numbers"),
)


def _telling(place: type, name: str, what: str, watcher: Watcher, mine: Callable[[], bool]) -> Any:
    """Return a method, or a property, that tells a watcher when it is used."""
    own = getattr(place, name)

    def tell(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mine():
            watcher.touched(f"{what} ({getattr(self, 'path', type(self).__name__)})")
        return own.fget(self) if isinstance(own, property) else own(self, *args, **kwargs)

    return property(tell) if isinstance(own, property) else tell


def _making(name: str, own: Callable, watcher: Watcher, mine: Callable[[], bool]) -> Callable:
    def make(*args: Any, **kwargs: Any) -> Any:
        if mine() and not is_symbolic((args, kwargs)):
            return watcher.made(name, own, args, kwargs)
        return own(*args, **kwargs)

    return make


def _answering(own: Callable, answer: Callable, mine: Callable[[], bool]) -> Callable:
    """Return a function of TensorFlow's that answers for symbolic tensors too."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if mine() and _is_traced((args, kwargs)):
            kwargs.pop("name", None)
            return answer(*args, **kwargs)
        return own(*args, **kwargs)

    return call


def _comparing(own: Callable, mine: Callable[[], bool]) -> Callable:
    """Return `==` number by number, as tensors compare: Keras says whether two are the same one."""

    def answer(self: Any, other: Any) -> Any:
        numbers = isinstance(other, keras.KerasTensor | keras.Variable | np.ndarray | Number)
        if mine() and (numbers or keras.ops.is_tensor(other)):
            return keras.ops.equal(self, other)
        return own(self, other)

    return answer


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Let errors be as they were raised: Keras packs them into another text at each layer."""
    packed = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if packed:
            keras.config.enable_traceback_filtering()


def complete(tensors: Any, call: Callable, args: tuple, kwargs: dict) -> None:
    """Give symbolic tensors the sizes that their layer leaves out, as when it was built for any.

    Args:
        tensors: what the layer returned.
        call: its call.
        args: what it was called with.
        kwargs: likewise.
    """
    flat = keras.tree.flatten(tensors)
    if any(None in x.shape for x in flat):
        full = keras.tree.flatten(output_spec(call, *args, **kwargs))
        for x, like in zip(flat, full, strict=True):
            set_shape(x, like.shape)


def histories(tensors: Any) -> list[tuple[Any, Any]]:
    """Return which call each symbolic tensor comes from, as it is now."""
    flat = [x for x in keras.tree.flatten(tensors) if isinstance(x, keras.KerasTensor)]
    return [(x, history(x)) for x in flat]


def restore(found: list[tuple[Any, Any]]) -> None:
    """Let tensors come from the calls they came from: a composite's own call is none of them."""
    for tensor, call in found:
        set_history(tensor, call)
