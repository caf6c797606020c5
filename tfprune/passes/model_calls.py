"""Run a model call by call on real tensors, as at inference."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.keras_graph import is_graph, replay
from tfprune.graph.keras_private import functional


def run_calls(model: keras.Model, inputs: Sequence[Any], call: Callable[..., Any]) -> Any:
    """Make all calls of a model, those of models within it too, and return the outputs.

    Args:
        model: a functional or Sequential model.
        inputs: flat list of its input tensors.
        call: `call(operation, args, kwargs)` makes one call; `training` is False in `kwargs`
            where the operation takes it, also where its own default is True.
    """

    def step(operation: Any, args: tuple, kwargs: dict) -> Any:
        if is_graph(operation):
            data = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
            tensors = [x for x in keras.tree.flatten([args, data]) if keras.ops.is_tensor(x)]
            return run_calls(operation, tensors, call)
        if takes_training(type(operation)):
            kwargs = {**kwargs, "training": False}
        return call(operation, args, kwargs)

    return replay(model, inputs, step)


def input_tensors(model: keras.Model, inputs: Any) -> list[tf.Tensor]:
    """Return a batch's inputs as flat tensors, in the order in which the model has its inputs.

    Args:
        model: a functional or Sequential model.
        inputs: one array or tensor, several nested as the model's inputs are, or a dictionary by
            the inputs' names, which Keras takes for a list of inputs too.

    Raises:
        ValueError: a dictionary without one of the names.
        PruningError: NaN or infinity among the inputs.

    Example:
        >>> a, b = keras.Input((), name="a"), keras.Input((), name="b")
        >>> model = keras.Model([b, a], keras.layers.Add()([a, b]))
        >>> [x.numpy().item() for x in input_tensors(model, {"a": tf.ones(1), "b": tf.zeros(1)})]
        [0.0, 1.0]
    """
    if isinstance(inputs, Mapping) and not isinstance(functional(model).input, Mapping):
        names = [x.name for x in model.inputs]
        if set(names) - set(inputs):
            raise ValueError(f"Expected inputs named {names}, received {sorted(inputs)}.")
        inputs = [inputs[name] for name in names]
    tensors = [tf.convert_to_tensor(x) for x in keras.tree.flatten(inputs)]
    # TensorFlow's fused convolution and ReLU make numbers of NaN: the maps would not show it.
    if not all(tf.reduce_all(tf.math.is_finite(x)) for x in tensors if x.dtype.is_floating):
        raise PruningError(
            "A batch's inputs hold NaN or infinity. Clean the data, or see how it is scaled."
        )
    return tensors


@cache
def takes_training(kind: type) -> bool:
    """Tell whether calls of a kind of layer take `training`."""
    return "training" in inspect.signature(kind.call).parameters
