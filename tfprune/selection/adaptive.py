"""One threshold for the filters of all layers, with a rescue of whole layers (GFI-AP)."""

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import Lengths, choose
from tfprune.selection.ranking import RULES, CutCost

TRIALS = 400  # shares that are tried to hit a target; each costs a count of the whole model


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request, *, cap: bool = False
) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers.

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
    if request.with_scope(scores.scope).scope == "layer" or request.amount in ("ratios", "counts"):
        if cap:
            raise PruningError(
                f"cap has no effect on {request.amount} per layer, which says how much each layer "
                "loses. Leave it out, or choose by one threshold: scope='global' and ratio, macs "
                "or params."
            )
        return choose(graph, scores, request, RULES)
    own: dict[str, Lengths] = {
        "ratio": lambda graph, plan, channels, request: _cut(plan, request.ratio, cap, request),
        "threshold": lambda graph, plan, channels, request: _upto(plan, cap, request),
    }
    own |= dict.fromkeys(("macs", "params"), lambda *told: _by_target(*told, cap))
    return choose(graph, scores, request, RULES | own)


def _cut(plan: Cuts, p: float, cap: bool, request: Request | None = None) -> np.ndarray:
    ascending = plan.found.ascending
    return _lengths(plan, ascending[int(p * len(ascending))], p, cap, request)


def _nth(plan: Cuts, k: int, cap: bool, request: Request | None = None) -> np.ndarray:
    ascending = plan.found.ascending  # by index, since int(k / N * N) is not always k
    return _lengths(plan, ascending[k], k / len(ascending), cap, request)


def _upto(plan: Cuts, cap: bool, request: Request) -> np.ndarray:
    scores, scored = plan.found.scores, plan.found.scored
    p = scored[scores < request.threshold].sum() / scored.sum()  # the least p with this threshold
    return _lengths(plan, request.threshold, p, cap, request)


def _lengths(
    plan: Cuts, threshold: float, p: float, cap: bool, request: Request | None
) -> np.ndarray:
    """Return how many filters of each group go; a request is told whom the rescue has kept."""
    share, lengths = p + (1 - p) / 2, []
    for sequence, members in zip(plan.sequences, plan.found.members, strict=True):
        count = int((plan.found.scores[sequence] <= threshold).sum())
        whole = bool((plan.found.scores[members] <= threshold).all())
        if cap or whole:
            count = min(count, int(share * len(members)))
        if whole and request is not None:
            names = ", ".join(plan.found.names(members))
            request.notes.append(
                f"rescued, since the threshold would remove it whole: {names} loses "
                f"{count} of {len(members)}"
            )
        lengths.append(count)
    return np.array(lengths, int)


def _by_target(
    graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request, cap: bool
) -> np.ndarray:
    cost = CutCost(graph, plan, channels, request)
    goal = cost.budget.goal
    total = int(plan.found.scored.sum())
    # Not monotone in p, since a layer that is rescued gets filters back: try them all. The highest
    # threshold leaves one filter of each layer, so that any target CutCost allows is reached.
    tried = np.unique(np.linspace(0, total - 1, min(total, TRIALS)).astype(int))
    costs = [cost(_nth(plan, k, cap)) for k in tried]
    best = int(np.argmin(np.abs(np.array(costs) - goal)))
    if abs(cost.budget.total - goal) <= abs(costs[best] - goal):
        return np.zeros(len(plan.sequences), int)
    return _nth(plan, tried[best], cap, request)
