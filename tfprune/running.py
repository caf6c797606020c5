"""Run a model call by call on real tensors, as at inference."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras

from tfprune.graph import is_graph, replay


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
        if _takes_training(type(operation)):
            kwargs = {**kwargs, "training": False}
        return call(operation, args, kwargs)

    return replay(model, inputs, step)


@cache
def _takes_training(kind: type) -> bool:
    return "training" in inspect.signature(kind.call).parameters
