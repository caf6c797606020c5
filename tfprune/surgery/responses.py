"""What a model answers, before a last softmax or sigmoid presses all answers together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tfprune.graph.activation_kinds import activation_name
from tfprune.graph.keras_graph import is_graph, states
from tfprune.graph.keras_private import flat_inputs
from tfprune.graph.memory_copies import shallow_copy
from tfprune.graph.rules import has_role
from tfprune.passes.model_calls import run_calls

_PRESSING = ("softmax", "log_softmax", "sigmoid")
_LINEAR = ("average_pooling", "cropping", "dropout", "identity", "movement", "resizing")


def responses(model: keras.Model, inputs: Any) -> list[np.ndarray]:
    """Run a model at inference, and return its outputs as they are before a last activation.

    A softmax over many classes, or a sigmoid far from zero, gives nearly the same numbers to all
    inputs, and to all models: what stands before it tells them apart.

    Args:
        model: any model; of one without a graph of layers the outputs themselves are returned.
        inputs: one batch, as the model takes it.

    Returns:
        float64 [N, ...] of each output, in order.

    Example:
        >>> head = keras.layers.Dense(2, activation="softmax", kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), head])
        >>> responses(model, np.array([[3.0]]))[0].tolist()
        [[3.0, 3.0]]
    """
    with _fresh_states(model):
        if is_graph(model):
            outputs = _Run().responses(model, inputs)
        else:
            outputs = keras.tree.flatten(model(inputs, training=False))
    return [as_float64(y) for y in outputs]


def raw_outputs(model: keras.Model, inputs: Any) -> list[Any]:
    """Return a model's outputs as tensors, before a last activation; also within a tf.function.

    Args:
        model: a functional or Sequential model.
        inputs: one batch, as the model takes it.

    Example:
        >>> head = keras.layers.Dense(2, activation="softmax", kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), head])
        >>> raw_outputs(model, np.array([[3.0]]))[0].numpy().tolist()
        [[3.0, 3.0]]
    """
    return _Run().responses(model, inputs)


def called(model: keras.Model, inputs: Any) -> Iterator[tuple[Any, list[np.ndarray]]]:
    """Yield each operation that a model calls, in order, with what the call returns.

    Args:
        model: a functional or Sequential model.
        inputs: one batch, as the model takes it.
    """
    made: list[tuple[Any, list[np.ndarray]]] = []

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        outputs = operation(*args, **kwargs)
        made.append((operation, [as_float64(y) for y in keras.tree.flatten(outputs)]))
        return outputs

    with _fresh_states(model):
        run_calls(model, flat_inputs(model, inputs), call)
    yield from made


def as_float64(tensor: Any) -> np.ndarray:
    """Return a tensor's numbers in float64; of text, which has none, no number at all."""
    array = keras.ops.convert_to_numpy(tensor)
    return np.asarray(array, np.float64) if array.dtype != object else np.zeros(0)


class _Run:
    """One run of a model, which remembers what stands before each pressing activation."""

    def __init__(self):
        self.before: dict[int, Callable[[], Any]] = {}  # by the id of a tensor that is kept alive
        self.alive: list[Any] = []

    def responses(self, model: keras.Model, inputs: Any) -> list[Any]:
        outputs = run_calls(model, flat_inputs(model, inputs), self._call)
        return [self._raw(y) for y in keras.tree.flatten(outputs)]

    def _raw(self, tensor: Any) -> Any:
        return self.before[id(tensor)]() if id(tensor) in self.before else tensor

    def _call(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        outputs = operation(*args, **kwargs)
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if keras.ops.is_tensor(x)]
        if not keras.ops.is_tensor(outputs) or not tensors:
            return outputs
        first = tensors[0]
        if any(has_role(operation, role) for role in _LINEAR):
            if id(first) in self.before and args and first is args[0]:
                self._note(outputs, lambda: operation(self._raw(first), *args[1:], **kwargs))
        elif activation_name(operation) in _PRESSING:
            if has_role(operation, "convolution") or has_role(operation, "dense"):
                linear = shallow_copy(operation, activation=keras.activations.linear)
                self._note(outputs, lambda: linear(*args, **kwargs))
            elif not getattr(operation, "weights", ()):  # it is nothing but the activation
                self._note(outputs, lambda: first)
        return outputs

    def _note(self, tensor: Any, before: Callable[[], Any]) -> None:
        self.before.setdefault(id(tensor), before)
        self.alive.append(tensor)


@contextmanager
def _fresh_states(model: keras.Model) -> Iterator[None]:
    """Let stateful layers begin anew, as a copy's do, and then remember what they had seen."""
    variables = states(model)
    before = [variable.numpy() for variable in variables]
    for variable in variables:
        variable.assign(np.zeros_like(variable))
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
