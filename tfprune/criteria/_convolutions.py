"""What the criteria that judge the maps of convolutions share."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channel_places import is_channels_first
from tfprune.graph.rules import has_role
from tfprune.passes.batch_errors import describing
from tfprune.passes.linear_copies import cut_activations
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.surgery.builder import Builder

Maps = Callable[[Any], dict[str, tf.Tensor]]  # from flat inputs to {layer: [N, H, W, C]}


def convolutions(graph: ChannelGraph, criterion: str) -> list[str]:
    """Return the names of the layers that make channels by a 2-D convolution, in order.

    Args:
        graph: channel graph of the model.
        criterion: the criterion's name, for the error message.

    Raises:
        PruningError: there is none.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="c"),
        ...                           keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> convolutions(tfprune.analyse(model), "gfi")
        ['c']
    """
    layers = {name: graph.owners[name].operation for name in graph.producers}
    names = [
        name
        for name, layer in layers.items()
        if has_role(layer, "convolution") and len(layer.kernel_size) == 2
    ]
    if not names:
        raise PruningError(
            f"Criterion {criterion!r} judges maps of 2-D convolutions; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )
    return names


def linear_maps(graph: ChannelGraph, names: Iterable[str]) -> Maps:
    """Return a function from a batch's flat inputs to the maps of convolutions.

    The maps are what a convolution computes, bias included, before any activation, also one of
    its own. The model runs as at inference. Of a layer called several times the last call counts.

    Args:
        graph: channel graph of the model.
        names: names of convolutions.

    Returns:
        A function, to be traced by TensorFlow, that returns {layer: [N, H, W, C]}.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> bias = keras.initializers.Constant(-1)
        >>> conv = keras.layers.Conv2D(2, 1, activation="relu", bias_initializer=bias, name="conv")
        >>> model = keras.Sequential([keras.Input((1, 1, 3)), conv])
        >>> maps = linear_maps(tfprune.analyse(model), ["conv"])
        >>> maps([np.zeros((1, 1, 1, 3), "float32")])["conv"].numpy().ravel().tolist()
        [-1.0, -1.0]
    """
    layers = {name: graph.owners[name].operation for name in names}
    model, cut = graph.model, {}
    if not all(layer.activation is keras.activations.linear for layer in layers.values()):
        builder = Builder(graph, np.ones(len(graph.unit), bool))
        model = builder.build()
        layers = {name: builder.copies[id(layer)] for name, layer in layers.items()}
        cut = cut_activations(list(layers.values()))
    wanted = {id(layer): name for name, layer in layers.items()}

    def maps(inputs: Any) -> dict[str, tf.Tensor]:
        seen: dict[str, tf.Tensor] = {}

        def call(operation: Any, args: tuple, kwargs: dict) -> Any:
            outputs = operation(*args, **kwargs)
            if id(operation) not in wanted:
                return outputs
            seen[wanted[id(operation)]] = outputs
            return cut[id(operation)](outputs) if cut else outputs

        run_calls(model, inputs, call)
        return {name: _channels_last(layers[name], output) for name, output in seen.items()}

    return maps


def tensors(graph: ChannelGraph, inputs: Any) -> list[tf.Tensor]:
    """Return a batch's inputs as flat tensors; tell of inputs that are not those of the model."""
    with describing("inputs", inputs):
        return input_tensors(graph.model, inputs)


def fitting(run: Callable[..., Any], inputs: list[tf.Tensor], *more: Any) -> Any:
    """Return `run(inputs, *more)`; tell of inputs that the model cannot take."""
    with describing("inputs", inputs):
        return run(inputs, *more)


def _channels_last(layer: Any, maps: tf.Tensor) -> tf.Tensor:
    return keras.ops.moveaxis(maps, 1, -1) if is_channels_first(layer) else maps
