"""GFBS' ranking of all layers, whose cut never falls on coupled channels (Liu et al. 2021)."""

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._plan import Plan, check_plan, planned
from tfprune.selection.ranking import cut_lengths, ranked, removals

check = check_plan


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
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
    plan = planned(graph, scores, request)
    bordered = request.amount == "ratio" and plan.request.scope == "global"
    return plan.masks(_above_shared(plan) if bordered else cut_lengths(plan)), []


def _above_shared(plan: Plan) -> np.ndarray:
    order, weights = ranked(plan)
    count = removals(plan, weights)
    while count and weights[count - 1] > 1:
        count -= 1
    return plan.cuts.prefix(order, count)
