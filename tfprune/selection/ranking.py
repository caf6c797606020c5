"""Remove the units with the lowest scores: the same share per layer, or by one ranking."""

from collections.abc import Callable

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._budget import Budget
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import choose


def keep_masks(graph: ChannelGraph, scores: Scores, request: Request) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers, the units with the highest scores kept.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: a target that cannot be reached, or coupled layers with different amounts.
    """
    return choose(graph, scores, request, RULES)


def as_asked(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request) -> np.ndarray:
    """Cut each sequence as far as the quotas that it respects."""
    return plan.whole


def by_ratio(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request) -> np.ndarray:
    """Cut the same share of every layer, or the worst of all by one ranking."""
    if request.scope != "global":
        return plan.whole
    order = plan.merged(lambda s: plan.found.scores[s])
    weights = plan.weights(order)
    return plan.prefix(order, removals(plan, weights, request.ratio))


def removals(plan: Cuts, weights: np.ndarray, ratio: float) -> int:
    """Return how many removals of a merged order a share of all scored channels allows."""
    total = int(plan.found.scored.sum())
    allowed = total - int(total * (1 - ratio))
    return int(np.searchsorted(np.cumsum(weights), allowed, "right"))


def by_threshold(
    graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request
) -> np.ndarray:
    """Cut what scores below the threshold."""
    scores = plan.found.scores
    return np.array([int((scores[s] < request.threshold).sum()) for s in plan.sequences], int)


def by_target(
    graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request
) -> np.ndarray:
    """Cut until the model costs what was asked for."""
    cost = CutCost(graph, plan, channels, request)
    goal = cost.budget.goal
    order = plan.merged(_key(plan, request))
    low, high = 0, len(order)  # cost(low) >= goal; the last removals may be too much
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(plan.prefix(order, middle)) >= goal else (low, middle)
    return _closer(plan, plan.prefix(order, low), cost, goal, request.round_to)


class CutCost:
    """What a model costs with its sequences cut to given lengths.

    Args:
        graph: channel graph of the model.
        plan: the sequences.
        channels: int [L], channels per layer.
        request: a share of "macs" or "params".

    Raises:
        PruningError: with all that may go removed, more than that share is left.
    """

    def __init__(self, graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
        self.graph, self.plan, self.channels, self.request = graph, plan, channels, request
        self.budget = Budget(graph, request.amount, getattr(request, request.amount))
        self.budget.require(
            self(plan.whole),
            "with all that may go removed",
            "loosen min_channels, round_to, include, exclude and coupled",
        )

    def __call__(self, lengths: np.ndarray) -> int:
        """Return the cost with prefixes of these lengths removed."""
        removed = np.zeros(len(self.graph.is_pinned), bool)
        rounded = self.plan.rounded(lengths, self.channels, self.request.round_to)
        removed[self.plan.units(rounded)] = True
        return self.budget(~removed[self.graph.unit])


def _closer(
    plan: Cuts, lengths: np.ndarray, cost: Callable[[np.ndarray], int], goal: float, step: int
) -> np.ndarray:
    """Cut single groups a little further where the next unit of the order is too big a step."""
    present = cost(lengths)
    for group in range(len(lengths)):
        trial = lengths.copy()
        trial[group] = min(trial[group] + step, len(plan.sequences[group]))
        after = cost(trial)
        if abs(after - goal) < abs(present - goal):
            lengths, present = trial, after
    return lengths


def _key(plan: Cuts, request: Request):
    if request.scope == "global":
        return lambda s: plan.found.scores[s]
    return lambda s: (np.arange(len(s)) + 1) / max(len(s), 1)


RULES = {
    "ratio": by_ratio,
    "ratios": as_asked,
    "counts": as_asked,
    "threshold": by_threshold,
    "macs": by_target,
    "params": by_target,
}
