"""The filters of a layer: what of its kernels makes each channel."""

from collections.abc import Callable

import numpy as np

from tfprune.channel_graph import ChannelGraph


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
    owner, ids = graph.owners[name], graph.producers[name]
    total = np.zeros(len(ids))
    for slot in owner.slots.values():
        weight = owner.operation.weights[slot.weight]
        if slot.reads or weight.name == "bias" or not ids[0] <= slot.ids[0] <= ids[-1]:
            continue
        others = tuple(axis for axis in range(len(weight.shape)) if axis != slot.axis)
        sums = magnitude(weight.numpy()).sum(axis=others, dtype=np.float64)
        np.add.at(total, slot.ids - ids[0], sums)
    return total
