"""Remove the units with the lowest scores: the same share per layer, or by one ranking."""

from collections.abc import Callable

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection._budget import budget_of
from tfprune.selection._cut_plan import CutPlan, check_plan, cut_plan
from tfprune.selection.request import TARGETS, Request

check = check_plan


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, the units with the highest scores kept.

    A global ratio is the share that is removed in the end: what stays as the last of its layer, or
    for min_channels, is made up for by the next in the ranking.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: a target that cannot be reached, or coupled layers with different amounts.
    """
    plan = cut_plan(graph, scores, request)
    return plan.masks(cut_lengths(plan)), []


def cut_lengths(plan: CutPlan) -> np.ndarray:
    """Return how many units of each group go, int [groups].

    Raises:
        PruningError: a target that cannot be reached.
    """
    if plan.request.amount in TARGETS:
        return _to_target(plan)
    if plan.request.amount == "threshold":
        scores = plan.cuts.found.scores
        below = [int((scores[s] < plan.request.threshold).sum()) for s in plan.cuts.sequences]
        return np.array(below, int)
    if plan.request.ranked:
        order = plan.cuts.merged(lambda s: plan.cuts.found.ranks[s])
        return plan.cuts.prefix(order, removals(plan, plan.cuts.weights(order)))
    return plan.cuts.whole  # the sequences respect what each layer may lose


def removals(plan: CutPlan, weights: np.ndarray) -> int:
    """Return how many removals of a ranking a ratio of all scored channels allows.

    Args:
        plan: with a ratio.
        weights: int [removals], how many scored channels go with each, worst first.
    """
    total = int(plan.cuts.found.scored.sum())
    allowed = total - int(total * (1 - plan.request.ratio))
    return int(np.searchsorted(np.cumsum(weights), allowed, "right"))


class CutCost:
    """What a model costs with its sequences cut to given lengths.

    Args:
        plan: the sequences, with a request for a share of one of `TARGETS`.

    Raises:
        PruningError: with all that may go removed, more than that share is left.
    """

    def __init__(self, plan: CutPlan):
        self.plan, self.budget = plan, budget_of(plan.graph, plan.request)
        self.budget.require(
            self(plan.cuts.whole),
            "with all that may go removed",
            "loosen min_channels, round_to, include, exclude and coupled",
        )

    def __call__(self, lengths: np.ndarray) -> float:
        """Return the cost with prefixes of these lengths removed."""
        return self.budget(self.plan.graph.kept(self.plan.removed(lengths)))


def _to_target(plan: CutPlan) -> np.ndarray:
    """Cut until the model costs what was asked for."""
    cost = CutCost(plan)
    order = plan.cuts.merged(_key(plan))
    low, high = 0, len(order)  # cost(low) >= goal; the last removals may be too much
    while high - low > 1:
        middle = (low + high) // 2
        enough = cost(plan.cuts.prefix(order, middle)) >= cost.budget.goal
        low, high = (middle, high) if enough else (low, middle)
    return _closer(plan, plan.cuts.prefix(order, low), cost)


def _closer(plan: CutPlan, lengths: np.ndarray, cost: CutCost) -> np.ndarray:
    """Cut single groups a little further where the next unit of the order is too big a step."""
    goal, present = cost.budget.goal, cost(lengths)
    for group, most in enumerate(plan.cuts.whole):
        trial = lengths.copy()
        trial[group] = min(trial[group] + plan.request.round_to, most)
        after = cost(trial)
        if abs(after - goal) < abs(present - goal):
            lengths, present = trial, after
    return lengths


def _key(plan: CutPlan) -> Callable[[np.ndarray], np.ndarray]:
    if plan.request.ranked:
        return lambda s: plan.cuts.found.ranks[s]
    return lambda s: (np.arange(len(s)) + 1) / max(len(s), 1)
