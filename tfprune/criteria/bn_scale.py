"""Scale of the BatchNormalization: network slimming (Liu et al., ICCV 2017, section 3)."""

from typing import Any

import numpy as np

from tfprune.criteria._norms import channel_ids, require_norms, scaled_norms
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import read
from tfprune.scoring.method import Method

METHOD = Method(scope="global", samples=None)


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by |gamma| of the BatchNormalization behind it; needs no data.

    Where several normalise the same channel, as in a DenseNet, the mean of their |gamma| counts.
    The paper trains with an L1 penalty on gamma beforehand; without one, the scores of a network
    tell less.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]} for the layers with a BatchNormalization behind all their
        channels; the numbers of different layers are comparable.

    Raises:
        PruningError: no BatchNormalization with a scale.
    """
    norms = scaled_norms(graph)
    require_norms(norms, graph, "bn_scale", "a scale")
    total, count = np.zeros(len(graph.unit)), np.zeros(len(graph.unit))
    for owner in norms:
        np.add.at(total, channel_ids(owner), np.abs(np.float64(read(owner.operation.gamma))))
        np.add.at(count, channel_ids(owner), 1)
    means = total / np.maximum(count, 1)
    return {name: means[ids] for name, ids in graph.producers.items() if count[ids].all()}
