"""The filters of a layer: what of its kernels makes each channel."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.head_places import place_numbers
from tfprune.graph.keras_graph import read
from tfprune.graph.layer_notes import Slot

_PIECE = 1 << 15  # numbers, few enough that float32 sums within a piece lose nothing that shows


def reduce_filters(
    graph: ChannelGraph, magnitude: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Return {layer: float64 [C]}, the sum of `magnitude` over the entries of each filter.

    Biases do not count: they are no part of a filter.
    """
    return {name: _reduce(graph, name, magnitude) for name in graph.producers}


def _reduce(
    graph: ChannelGraph, name: str, magnitude: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    ids = graph.producers[name]
    total = np.zeros(len(ids))
    for weight, slot in filter_weights(graph, name):
        np.add.at(total, slot.ids - ids[0], sums_along(weight, slot.axis, magnitude))
    return total


def filter_weights(graph: ChannelGraph, name: str) -> Iterator[tuple[np.ndarray, Slot]]:
    """Yield each weight that makes channels of a layer, and the axis along which it does.

    Args:
        graph: channel graph of the model.
        name: name of a layer that makes channels. Of places within heads, each of the layer's
            channels counts for its place.
    """
    owner, ids = graph.owners[name], graph.producers[name]
    for slot in owner.slots.values():
        weight = owner.operation.weights[slot.weight]
        if slot.reads or weight.name == "bias":
            continue
        if ids[0] <= slot.ids[0] <= ids[-1]:
            yield read(weight), slot
        elif (own := (place := place_numbers(graph, name, slot.ids)) >= 0).any():
            part = np.compress(own, read(weight), slot.axis)
            yield part, replace(slot, ids=ids[place[own]])


def sums_along(
    weight: np.ndarray, axis: int, magnitude: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the sum of magnitudes along every axis but one, in pieces that fit a cache.

    Args:
        weight: of any shape.
        axis: the axis that stays.
        magnitude: what is added up of each entry, e.g. `np.square`.

    Returns:
        float64 [entries of the axis].

    Example:
        >>> sums_along(np.array([[3, 4], [0, 1]]), 0, np.square).tolist()
        [25.0, 1.0]
    """
    weight = weight.astype(np.promote_types(weight.dtype, np.float32), copy=False)
    rows = np.moveaxis(weight, axis, -1).reshape(-1, weight.shape[axis])
    step = max(1, _PIECE // rows.shape[1])
    pieces = [magnitude(rows[i : i + step]).sum(0) for i in range(0, len(rows), step)]
    return np.sum(pieces, axis=0, dtype=np.float64)
