"""Keep masks that no selector would choose: every free unit goes or stays by chance."""

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph


def random_masks(graph: ChannelGraph, share: float, seed: int) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} in which about this share of the free units is gone.

    Args:
        graph: channel graph of a model.
        share: probability that a free unit goes, in [0, 1].
        seed: seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    removed = ~graph.is_pinned & (rng.random(len(graph.is_pinned)) < share)
    axes = list(graph.producers.values())
    axes += [ids for owner in graph.owners.values() for ids in owner.needed]
    for ids in axes:  # none may lose all its channels; giving one back empties no other
        units = graph.unit[ids]
        if removed[units].all():
            removed[rng.choice(units)] = False
    return {name: ~removed[graph.units_of(name)] for name in graph.producers}
