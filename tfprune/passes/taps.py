"""One pass over the data that sees every layer's output at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.model_calls import input_tensors, run_calls
from tfprune.passes.tap_points import activated


def activations(graph: ChannelGraph, names: Iterable[str]) -> Callable[[Any], dict[str, tf.Tensor]]:
    """Return a function from a batch of inputs to the activated maps of the named layers.

    The model runs as at inference. `tfprune.passes.tap_points.activated` says which call's
    output the maps of a layer are taken from.

    Args:
        graph: channel graph of the model.
        names: names of layers that make channels, as in `graph.producers`.

    Returns:
        A function that returns {layer: its maps [N, ..., C], the channels last and in the layer's
        own order}.

    Example:
        >>> import keras, numpy, tfprune
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        ...           keras.layers.ReLU(), keras.layers.Flatten(), keras.layers.Dense(2)]
        >>> maps = activations(tfprune.analyse(keras.Sequential(layers)), ["conv"])
        >>> maps(numpy.ones((1, 8, 8, 3)))["conv"].shape
        TensorShape([1, 6, 6, 4])
    """
    wanted: dict[tuple[int, int], dict] = {}
    for name, point in activated(graph, names).items():
        wanted.setdefault((id(point.operation), point.call), {})[name] = point

    @tf.function(reduce_retracing=True)
    def tapped(inputs: list) -> dict[str, tf.Tensor]:
        seen: dict[str, tf.Tensor] = {}
        calls: Counter = Counter()

        def call(operation: Any, args: tuple, kwargs: dict) -> Any:
            outputs = operation(*args, **kwargs)
            this = id(operation), calls[id(operation)]
            calls[id(operation)] += 1
            for name, point in wanted.get(this, {}).items():
                maps = tf.gather(keras.tree.flatten(outputs)[0], point.places, axis=point.axis)
                seen[name] = keras.ops.moveaxis(maps, point.axis, -1)
            return outputs

        run_calls(graph.model, inputs, call)
        return seen

    return lambda inputs: tapped(input_tensors(graph.model, inputs))
