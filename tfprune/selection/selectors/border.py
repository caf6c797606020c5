"""GFBS' ranking of all layers, whose cut never falls on coupled channels (Liu et al. 2021)."""

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection._cut_plan import CutPlan, check_plan, cut_plan
from tfprune.selection.request import Request
from tfprune.selection.selectors.ranking import cut_lengths, removals

check = check_plan


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, as in a ranking but for the cut of a global ratio.

    All channels are sorted by score and the first int(N (1 - p)) of the N stay. While the best of
    the others is one that several scored layers share, it stays too: the cut moves down to the
    next channel of a layer's own. Of a layer that lies below the cut as a whole the best channel
    stays. Nothing else goes in place of what stays so: fewer than the share p are removed.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Returns:
        The masks, and a line for the layers that the cut would have removed.

    Raises:
        PruningError: as in a ranking.
    """
    plan = cut_plan(graph, scores, request)
    if request.amount != "ratio" or not plan.request.ranked:
        return plan.masks(cut_lengths(plan)), []
    below = _below_the_cut(plan)
    lengths = [int(below[sequence].sum()) for sequence in plan.cuts.sequences]
    return plan.masks(np.array(lengths, int)), _guarded(plan, below)


def _below_the_cut(plan: CutPlan) -> np.ndarray:
    """Return which candidates the cut removes, bool [U], whether or not their layer allows it."""
    found = plan.cuts.found
    order = np.argsort(found.ranks, kind="stable")
    weights = found.scored[order]
    count = removals(plan, weights)
    while count and weights[count - 1] > 1:
        count -= 1
    below = np.zeros(len(order), bool)
    below[order[:count]] = True
    return below


def _guarded(plan: CutPlan, below: np.ndarray) -> list[str]:
    """Name the layers that keep what lies below the cut."""
    found = plan.cuts.found
    held = below.copy()
    for sequence in plan.cuts.sequences:
        held[sequence] = False
    gone = np.asarray(found.counts[:, found.units[below]].sum(axis=1)).ravel()
    whole = [name for name, n, c in zip(found.layers, gone, plan.channels, strict=True) if n == c]
    part = [name for name in found.names(held) if name not in whole]
    notes = {
        "kept, since the cut would remove it whole": whole,
        "kept in part, for min_channels, a split or a layer coupled to it": part,
    }
    return [f"{why}: {', '.join(names)}" for why, names in notes.items() if names]
