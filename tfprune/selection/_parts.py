"""Sets of channels of which one must stay, such as each part of a split layer."""

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph


def spared(graph: ChannelGraph, merit: np.ndarray) -> np.ndarray:
    """Return the units that stay as the best of a set that may not vanish, bool [units].

    Args:
        graph: channel graph of the model.
        merit: float [units], higher = keep; infinite for a unit that stays anyway.
    """
    best = np.zeros(len(merit), bool)
    for owner in graph.owners.values():
        for ids in owner.needed:
            units = graph.unit[ids][::-1]  # of equals the last stays
            best[units[np.argmax(merit[units])]] = True
    return best
