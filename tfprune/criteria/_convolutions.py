"""What the criteria that judge the maps of convolutions share."""

from collections.abc import Callable
from typing import Any

import keras

from tfprune.batches import MISFITS, misfit
from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError

_KINDS = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.Conv2DTranspose)


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
    names = [name for name in graph.producers if isinstance(graph.owners[name].operation, _KINDS)]
    if not names:
        raise PruningError(
            f"Criterion {criterion!r} judges maps of 2-D convolutions; model "
            f"{graph.model.name!r} has none. Use another criterion, e.g. 'l1'."
        )
    return names


def fitting(run: Callable[..., Any], inputs: Any, *more: Any) -> Any:
    """Return `run(inputs, *more)`, and tell of inputs that the model cannot take."""
    try:
        return run(inputs, *more)
    except MISFITS as error:
        shapes = [getattr(x, "shape", x) for x in keras.tree.flatten(inputs)]
        raise misfit(error, f"inputs of shapes {shapes}") from error


def channels_last(graph: ChannelGraph, name: str, maps: Any) -> Any:
    """Return a convolution's output as [N, H, W, C], whatever its own layout."""
    layout = graph.owners[name].operation.data_format
    return keras.ops.moveaxis(maps, 1, -1) if layout == "channels_first" else maps
