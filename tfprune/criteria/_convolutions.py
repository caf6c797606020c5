"""What the criteria that judge the maps of convolutions share."""

from collections.abc import Iterable

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.rules import has_role
from tfprune.passes.sites import Site, linear


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


def last_linear(graph: ChannelGraph, names: Iterable[str]) -> dict[str, list[Site]]:
    """Return where the maps of convolutions are, in the last call of each.

    The maps are what a convolution computes, bias included, before any activation, also one of
    its own.

    Args:
        graph: channel graph of the model.
        names: names of convolutions.
    """
    return {name: sites[-1:] for name, sites in linear(graph, names).items()}
