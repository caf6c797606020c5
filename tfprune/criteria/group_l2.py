"""Squared L2 norm of all weights that go with a unit: DepGraph's group norm (CVPR 2023)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tfprune.criteria._filters import sums_along
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import together
from tfprune.graph.keras_graph import read
from tfprune.graph.running_statistics import running_statistics
from tfprune.scoring.method import Method

METHOD = Method(scope="global", samples=None)


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by the weights that go if its unit goes; needs no data.

    I(u) = sum ||w[u]||² over every axis of every weight that belongs to the unit: what makes
    its channels (filters, biases), what scales and shifts them, and what reads them (the input
    slices of the next layers). A filter of large norm that nobody listens to ranks low, as one does
    that makes little. I is divided by its mean over the coupled set, so that all layers are ranked
    together. The square matters there: its root ranks alike within a set, but not between sets.
    Running statistics are no weights: they do not count.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]}, equal for channels that live or die together; the mean over the
        units of a set of coupled layers is 1.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, name="hidden"),
        ...                           keras.layers.Dense(1)])
        >>> model.set_weights([np.array([[3, 2]]), np.zeros(2), np.array([[4], [0]]), np.zeros(1)])
        >>> tfprune.score(tfprune.analyse(model), "group_l2")["hidden"].round(4).tolist()
        [1.7241, 0.2759]
    """
    squares = _squares(graph)
    found: dict[str, np.ndarray] = {}
    for members in _coupled_sets(graph):
        mean = squares[np.unique(np.concatenate([graph.units_of(name) for name in members]))].mean()
        for name in members:
            found[name] = squares[graph.units_of(name)] / (mean or 1.0)
    return {name: found[name] for name in graph.producers}


def _squares(graph: ChannelGraph) -> np.ndarray:
    """Return the sum of the squared weights that belong to each unit, float64 [units].

    What belongs to one place of one head goes with the head, and with the place.
    """
    total = np.zeros(len(graph.is_pinned))
    for owner in graph.owners.values():
        untrained = running_statistics(owner.operation)
        for slot in owner.slots.values():
            if slot.weight not in untrained:
                sums = sums_along(read(owner.operation.weights[slot.weight]), slot.axis, np.square)
                unit, place = graph.unit[slot.ids], graph.second[slot.ids]
                np.add.at(total, unit, sums)
                np.add.at(total, place, np.where(place == unit, 0, sums))
    return total


def _coupled_sets(graph: ChannelGraph) -> Iterator[set[str]]:
    """Yield the sets of layers that share channels, directly or through others."""
    seen: set[str] = set()
    for name in graph.producers:
        if name not in seen:
            members = together(graph, name)
            seen |= members
            yield members
