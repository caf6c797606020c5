"""One pass over the data that sees every layer's output at once."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from tfprune.channel_graph import ChannelGraph
from tfprune.running import run_calls


def maker_outputs(
    graph: ChannelGraph, names: Iterable[str]
) -> Callable[[Any], dict[str, tf.Tensor]]:
    """Return a function from a batch of inputs to the outputs of the named layers.

    The model runs as at inference. A layer called several times gives the output of its last call.

    Args:
        graph: channel graph of the model.
        names: names of layers that make channels, as in `graph.producers`.
    """
    wanted = {id(graph.owners[name].operation): name for name in names}

    @tf.function(reduce_retracing=True)
    def tapped(inputs: list) -> dict[str, tf.Tensor]:
        seen: dict[str, tf.Tensor] = {}

        def call(operation: Any, args: tuple, kwargs: dict) -> Any:
            outputs = operation(*args, **kwargs)
            if id(operation) in wanted:
                seen[wanted[id(operation)]] = outputs
            return outputs

        run_calls(graph.model, inputs, call)
        return seen

    return lambda inputs: tapped([tf.convert_to_tensor(x) for x in keras.tree.flatten(inputs)])
