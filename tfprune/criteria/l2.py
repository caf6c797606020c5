"""L2 norm of each filter (He et al., Soft Filter Pruning, IJCAI 2018, eq. 2 with p = 2)."""

from typing import Any

import numpy as np

from tfprune.criteria._filters import reduce_filters
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.method import Method

# A norm grows with the size of the filter.
METHOD = Method(comparable=False, samples=None)


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by the Euclidean norm of the weights that make it; needs no data.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]}.
    """
    return {name: np.sqrt(value) for name, value in reduce_filters(graph, np.square).items()}
