"""One threshold for the filters of all layers, with a rescue of whole layers (GFI-AP)."""

from collections.abc import Mapping

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.scoring import Scores
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import Lengths, choose
from tfprune.selection._request import Request
from tfprune.selection.ranking import RULES, CutCost

TRIALS = 400  # shares that are tried to hit a target; each costs a count of the whole model


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request, *, cap: bool = False
) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers.

    A ratio p sets the threshold v[int(p N)], where v are the N scores of all prunable filters in
    ascending order; every filter that does not exceed it goes. Where that is all of a layer, only
    its lowest int(g C) filters go, g = p + (1 - p) / 2. A threshold sets that value itself, and
    for a share of the MACs or the parameters the p is searched that comes closest.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep, comparable between layers.
        request: how much is to go.
        cap: no layer loses more than int(g C) filters, not only those that would vanish.

    Raises:
        PruningError: as in a ranking.
    """
    own: dict[str, Lengths] = {
        "ratio": lambda graph, plan, channels, request: _cut(plan, request.ratio, cap),
        "threshold": lambda graph, plan, channels, request: _upto(plan, request.threshold, cap),
    }
    own |= dict.fromkeys(("macs", "params"), lambda *told: _by_target(*told, cap))
    return choose(graph, scores, request, RULES | own)


def remarks(scores: Mapping[str, np.ndarray], keep: Mapping[str, np.ndarray]) -> list[str]:
    """Return which layers the threshold would have removed whole."""
    gone = [np.max(scores[name][~keep[name]], initial=-np.inf) for name in scores]
    found = [name for name in scores if keep[name].any() and scores[name].max() <= max(gone)]
    return [
        f"layer {name!r}: the threshold would remove it whole; its best "
        f"{int(keep[name].sum())} filters stay"
        for name in found
        if not keep[name].all()
    ]


def _cut(plan: Cuts, p: float, cap: bool) -> np.ndarray:
    ascending = np.sort(np.repeat(plan.found.scores, plan.found.scored))
    return _lengths(plan, ascending[int(p * len(ascending))], p, cap)


def _upto(plan: Cuts, threshold: float, cap: bool) -> np.ndarray:
    scores, scored = plan.found.scores, plan.found.scored
    p = scored[scores < threshold].sum() / scored.sum()  # the least p with this threshold
    return _lengths(plan, threshold, p, cap)


def _lengths(plan: Cuts, threshold: float, p: float, cap: bool) -> np.ndarray:
    scores, groups = plan.found.scores, plan.found.groups
    share, lengths = p + (1 - p) / 2, []
    for sequence, group in zip(plan.sequences, np.unique(groups), strict=True):
        members = scores[groups == group]
        count = int((scores[sequence] <= threshold).sum())
        if cap or (members <= threshold).all():
            count = min(count, int(share * len(members)))
        lengths.append(count)
    return np.array(lengths, int)


def _by_target(
    graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request, cap: bool
) -> np.ndarray:
    cost = CutCost(graph, plan, channels, request)
    goal = getattr(request, request.amount) * cost.total
    total = int(plan.found.scored.sum())
    # Not monotone in p, since a layer that is rescued gets filters back: try them all.
    shares = np.unique(np.linspace(0, total - 1, min(total, TRIALS)).astype(int)) / total
    trials = [np.zeros(len(plan.sequences), int), *(_cut(plan, p, cap) for p in shares)]
    return min(trials, key=lambda lengths: abs(cost(lengths) - goal))
