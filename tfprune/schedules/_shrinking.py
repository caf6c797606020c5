"""The proximal step of a penalty on channels: norms become smaller by a length, down to zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.criteria._norms import channel_ids, scaled_norms
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.running_statistics import running_statistics

PENALISED = ("scales", "units")
Group = tuple[Any, int, np.ndarray]  # a weight, an axis of it, the group of each entry or -1


def shrinking(graph: ChannelGraph, penalised: str) -> Callable[[tf.Tensor], None]:
    """Return a function that takes a length off the norms of what is penalised.

    Args:
        graph: channel graph of the model whose weights are shrunk in place.
        penalised: a name of `PENALISED`.
    """
    groups = _scales(graph) if penalised == "scales" else _units(graph)
    count = 1 + max((int(ids.max(initial=-1)) for *_, ids in groups), default=-1)
    groups = [(weight, axis, ids % (count + 1)) for weight, axis, ids in groups]  # -1: the last

    @tf.function(autograph=False)
    def shrink(length: tf.Tensor) -> None:
        squares = tf.zeros([count + 1])
        for weight, axis, ids in groups:
            others = [other for other in range(len(weight.shape)) if other != axis]
            sums = tf.reduce_sum(tf.square(tf.cast(weight.value, tf.float32)), others)
            squares += tf.math.unsorted_segment_sum(sums, ids, count + 1)
        norms = tf.sqrt(squares)
        factors = tf.maximum(1 - tf.math.divide_no_nan(length, norms), 0)
        factors = tf.concat([factors[:-1], [1.0]], 0)
        for weight, axis, ids in groups:
            shape = [-1 if other == axis else 1 for other in range(len(weight.shape))]
            factor = tf.reshape(tf.gather(factors, ids), shape)
            weight.assign(weight * tf.cast(factor, weight.dtype))

    return shrink


def _units(graph: ChannelGraph) -> list[Group]:
    """Return every axis of every weight that belongs to units, pinned ones as group -1."""
    return [
        (
            owner.operation.weights[slot.weight],
            slot.axis,
            np.where(graph.is_pinned[graph.unit[slot.ids]], -1, graph.unit[slot.ids]),
        )
        for owner in graph.owners.values()
        for slot in owner.slots.values()
        if slot.weight not in running_statistics(owner.operation)
    ]


def _scales(graph: ChannelGraph) -> list[Group]:
    """Return the scales of the normalisations, each entry a group of its own, pinned ones -1."""
    groups, count = [], 0
    for owner in scaled_norms(graph):
        pinned = graph.is_pinned[graph.unit[channel_ids(owner)]]
        groups.append(
            (owner.operation.gamma, 0, np.where(pinned, -1, count + np.arange(len(pinned))))
        )
        count += len(pinned)
    return groups
