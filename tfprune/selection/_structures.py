"""Which units are built alike (Fang et al., Isomorphic Pruning, ECCV 2024)."""

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph


def structures(graph: ChannelGraph) -> np.ndarray:
    """Return which structure each unit has, int [units]; equal numbers are one structure.

    Units are alike if the same kinds of layers make and read them, along the same axes of the same
    weights, as often: the channels within the blocks of a network are alike, those of a stream that
    two blocks add to are not like those of one that three add to. Sizes do not matter.

    Args:
        graph: channel graph of the model.

    Example:
        >>> import keras, tfprune
        >>> hidden = [keras.layers.Dense(count) for count in (2, 3)]
        >>> model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1)])
        >>> graph = tfprune.analyse(model)
        >>> [structures(graph)[graph.units_of(layer.name)].tolist() for layer in hidden]
        [[1, 1], [1, 1, 1]]
    """
    parts: list[list[tuple]] = [[] for _ in graph.is_pinned]
    for owner in graph.owners.values():
        kind = type(owner.operation).__qualname__
        for slot in owner.slots.values():
            part = (kind, slot.weight, slot.axis, slot.reads)
            for unit in np.unique(graph.unit[slot.ids]):
                parts[unit].append(part)
    known: dict[tuple, int] = {}
    return np.array([known.setdefault(tuple(sorted(part)), len(known)) for part in parts], int)


def shares_below(scores: np.ndarray, sizes: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return the share of its set that ranks no higher than each unit, float64 [U] in (0, 1].

    Args:
        scores: float64 [U], higher = keep.
        sizes: int [U], how many channels each unit counts for.
        sets: int [U], which units compete.

    Example:
        >>> shares_below(np.array([3.0, 1.0, 9.0, 7.0]), np.ones(4, int), np.array([0, 0, 1, 1]))
        array([1. , 0.5, 1. , 0.5])
    """
    result = np.zeros(len(scores))
    for one in np.unique(sets):
        members = np.flatnonzero(sets == one)
        order = members[np.argsort(scores[members], kind="stable")]
        result[order] = np.cumsum(sizes[order]) / sizes[order].sum()
    return result
