"""One threshold for the filters of all layers, with a rescue of whole layers (GFI-AP)."""

import numpy as np

from tfprune.checks import check_bool
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection._cut_plan import CutPlan, check_plan, cut_plan
from tfprune.selection.request import Request
from tfprune.selection.selectors.ranking import CutCost, cut_lengths

TRIALS = 400  # shares that are tried to hit a target; each costs a count of the whole model
NOTHING = (-np.inf, 0.0)  # the threshold, and its p, that removes nothing


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request, *, cap: bool = False
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, and a line for each that is rescued.

    A ratio p sets the threshold v[int(p N)], where v are the N scores of all prunable filters in
    ascending order; every filter that does not exceed it goes. Where that is all of a layer, only
    its lowest int(g C) filters go, g = p + (1 - p) / 2. A threshold sets that value itself, and
    for a share of the MACs or the parameters the p is searched that comes closest. With
    scope="layer", ratios or counts this is a plain ranking.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep, comparable between layers.
        request: how much is to go.
        cap: no layer loses more than int(g C) filters, not only those that would vanish.

    Raises:
        PruningError: as in a ranking, or a cap where every layer has its own amount.
    """
    plan = cut_plan(graph, scores, request)
    _check_cap(plan.request, cap)  # again, with the scope of the scores
    if _by_layer(plan.request):
        return plan.masks(cut_lengths(plan)), []
    threshold, p = _threshold(plan, cap)
    counts, rescued = _cut(plan, threshold, p, cap)
    return plan.masks(counts), [_note(plan, group, counts[group]) for group in rescued]


def check(graph: ChannelGraph, request: Request, *, cap: bool = False) -> None:
    """Refuse a cap that is not a truth value or has no effect, and what a ranking refuses."""
    check_bool("cap", cap)
    _check_cap(request, cap)
    check_plan(graph, request)


def _by_layer(request: Request) -> bool:
    return request.scope == "layer" or request.amount in ("ratios", "counts")


def _check_cap(request: Request, cap: bool) -> None:
    if cap and _by_layer(request):
        raise PruningError(
            f"cap has no effect on {request.amount} per layer, which says how much each layer "
            "loses. Leave it out, or choose by one threshold: scope='global' and ratio, macs "
            "or params."
        )


def _threshold(plan: CutPlan, cap: bool) -> tuple[float, float]:
    """Return the score up to which filters go, and the p that sets it."""
    ascending, request = plan.cuts.found.ascending, plan.request
    if not len(ascending):
        return NOTHING
    if request.amount == "ratio":
        return ascending[int(request.ratio * len(ascending))], request.ratio
    if request.amount == "threshold":  # the least p that sets it
        below = int(np.searchsorted(ascending, request.threshold))
        return request.threshold, below / len(ascending)
    return _to_target(plan, cap)


def _to_target(plan: CutPlan, cap: bool) -> tuple[float, float]:
    cost, ascending = CutCost(plan), plan.cuts.found.ascending
    last = len(ascending) - 1
    # Not monotone in p, since a layer that is rescued gets filters back: try them all. The highest
    # threshold leaves one filter of each layer, so that any target CutCost allows is reached.
    tried = np.unique(np.linspace(0, last, min(len(ascending), TRIALS)).astype(int))
    pairs = [NOTHING, *((ascending[k], k / len(ascending)) for k in tried)]
    return min(pairs, key=lambda pair: abs(cost(_cut(plan, *pair, cap)[0]) - cost.budget.goal))


def _cut(plan: CutPlan, threshold: float, p: float, cap: bool) -> tuple[np.ndarray, list[int]]:
    """Return how many filters of each group go, and which groups are rescued."""
    found, share = plan.cuts.found, p + (1 - p) / 2
    counts, rescued = [], []
    for group, (sequence, members) in enumerate(
        zip(plan.cuts.sequences, found.members, strict=True)
    ):
        count = int((found.ranks[sequence] <= threshold).sum())
        whole = bool((found.ranks[members] <= threshold).all())
        counts.append(min(count, int(share * len(members))) if cap or whole else count)
        if whole:
            rescued.append(group)
    return np.array(counts, int), rescued


def _note(plan: CutPlan, group: int, count: int) -> str:
    members = plan.cuts.found.members[group]
    return (
        "rescued, since the threshold would remove it whole: "
        f"{', '.join(plan.cuts.found.names(members))} loses {count} of {len(members)}"
    )
