"""Soft filter pruning's criterion, the L2 norm of each filter (He et al., IJCAI 2018, eq. 2)."""

from dataclasses import replace
from typing import Any

import numpy as np

from tfprune.criteria import l2
from tfprune.graph.channel_graph import ChannelGraph

# Filters are zeroed after each epoch, and go at the end.
METHOD = replace(l2.METHOD, schedule="soft")


def score(graph: ChannelGraph, data: Any = None) -> dict[str, np.ndarray]:
    """Score each channel by the Euclidean norm of its filter; needs no data.

    What makes the method is its schedule, `tfprune.schedules.soft`.

    Args:
        graph: channel graph of the model.
        data: not used.

    Returns:
        {layer name: float64 [C]}.
    """
    return l2.score(graph, data)
