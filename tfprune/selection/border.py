"""GFBS' ranking of all layers, whose cut never falls on coupled channels (Liu et al. 2021)."""

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import choose
from tfprune.selection.ranking import RULES, by_ratio, removals


def keep_masks(graph: ChannelGraph, scores: Scores, request: Request) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers, as in a ranking but for the border of a ratio.

    While the best of the channels to be removed is one that several scored layers share, it is
    kept: the cut moves down to the next channel of a layer's own, so slightly fewer go.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: as in a ranking.
    """
    return choose(graph, scores, request, RULES | {"ratio": _above_shared})


def _above_shared(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    if request.scope != "global":
        return by_ratio(graph, plan, channels, request)
    order = plan.merged(lambda s: plan.found.scores[s])
    weights = plan.weights(order)
    count = removals(plan, weights, request.ratio)
    while count and weights[count - 1] > 1:
        count -= 1
    return plan.prefix(order, count)
