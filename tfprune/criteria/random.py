"""Random scores: the baseline that every criterion has to beat."""

from typing import Any

import numpy as np

from tfprune.channel_graph import ChannelGraph


def score(graph: ChannelGraph, batches: Any = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Score each channel by a uniform random number; needs no data.

    Args:
        graph: channel graph of the model.
        batches: not used.
        seed: seed of the random numbers.

    Returns:
        {layer name: float64 [C]} in [0, 1).
    """
    rng = np.random.default_rng(seed)
    return {name: rng.random(len(ids)) for name, ids in graph.producers.items()}
