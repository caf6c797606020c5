"""Random scores: the baseline that every criterion has to beat."""

from numbers import Integral
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.method import Method

METHOD = Method(samples=None)


def score(graph: ChannelGraph, data: Any = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Score each channel by a uniform random number; needs no data.

    Args:
        graph: channel graph of the model.
        data: not used.
        seed: seed of the random numbers.

    Returns:
        {layer name: float64 [C]} in [0, 1).

    Raises:
        PruningError: a seed of another kind.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise PruningError(f"random: seed must be a whole number from 0 on, received {seed!r}.")
    rng = np.random.default_rng(seed)
    return {name: rng.random(len(ids)) for name, ids in graph.producers.items()}
