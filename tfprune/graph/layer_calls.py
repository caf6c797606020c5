"""The calls of a model in order, before any rule says what they mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from tfprune.graph.keras_graph import is_graph, nodes


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer or operation.

    Args:
        operation: the layer or operation called.
        inputs: the tensors it is called with, in order.
        outputs: the tensors it returns, in order.
    """

    operation: Any
    inputs: tuple[keras.KerasTensor, ...]
    outputs: tuple[keras.KerasTensor, ...]


def calls(model: keras.Model) -> Iterator[LayerCall]:
    """Yield a functional model's calls in an order in which they can be made.

    The calls inside nested models come at each call of the nested model; they belong to `model`
    alone, also where its layers serve other models.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden")])
        >>> [(call.operation.name, call.outputs[0].shape) for call in calls(model)]
        [('hidden', (None, 3))]
    """
    for node in nodes(model):
        if is_graph(node.operation):
            yield from calls(node.operation)
        else:
            yield LayerCall(node.operation, tuple(node.input_tensors), tuple(node.outputs))
