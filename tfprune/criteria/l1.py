"""L1 norm of each filter (Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017, 3.1)."""

from typing import Any

import numpy as np

from tfprune.criteria._filters import reduce_filters
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.method import Method

# A norm grows with the size of the filter.
METHOD = Method(comparable=False, samples=None)


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by the sum of the absolute weights that make it; needs no data.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]}.
    """
    return reduce_filters(graph, np.abs)
