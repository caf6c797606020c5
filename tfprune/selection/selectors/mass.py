"""Keep the channels that carry a share of their layer's support (FGP)."""

from dataclasses import replace

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection._cut_plan import CutPlan, check_plan, cut_plan
from tfprune.selection.request import Request
from tfprune.selection.selectors.ranking import cut_lengths


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, and a line for those that have no support.

    A threshold T in (0, 1] means: of each layer the best channels whose scores together reach T
    of the layer's total, the one that crosses it included. Other amounts count channels, as in a
    ranking: ratio=1-k keeps ceil(k C). A layer whose scores are all zero stays whole, but where
    ratios or counts name what it loses.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, not negative, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: negative scores with a threshold, and as in a ranking.
    """
    if request.amount == "threshold":
        _check_signs(scores)
    plan = cut_plan(graph, scores, request)
    empty = _without_support(plan)
    if request.amount in ("ratios", "counts"):
        lengths = cut_lengths(plan)
        return plan.masks(lengths), _unsupported(plan, empty & (lengths > 0), "goes by position")
    plan = _left_whole(plan, empty)
    lengths = _beyond_the_mass(plan) if request.amount == "threshold" else cut_lengths(plan)
    return plan.masks(lengths), _unsupported(plan, empty, "stays whole")


def check(graph: ChannelGraph, request: Request) -> None:
    """Refuse a threshold that is not a share, and what a ranking refuses."""
    if request.amount == "threshold" and not 0 < request.threshold <= 1:
        raise PruningError(
            "mass: expected threshold= in (0, 1], the share of a layer's support that is kept; "
            f"received {request.threshold!r}."
        )
    check_plan(graph, request)


def _check_signs(scores: Scores) -> None:
    for name, value in scores.items():
        if np.min(value) < 0:
            raise PruningError(
                f"mass: a share of the support needs scores from 0 on; layer {name!r} has "
                f"{np.min(value):g}. Use ratio, macs or params."
            )


def _without_support(plan: CutPlan) -> np.ndarray:
    """Return which groups have no channel with support, bool [groups]."""
    found = plan.cuts.found
    # Not all zero: in steps what is gone ranks below zero.
    return np.array([found.scores[members].max() == 0 for members in found.members], bool)


def _left_whole(plan: CutPlan, groups: np.ndarray) -> CutPlan:
    """Return the plan without the removals of some groups, bool [groups]."""
    sequences = [
        s[:0] if stays else s for s, stays in zip(plan.cuts.sequences, groups, strict=True)
    ]
    return replace(plan, cuts=replace(plan.cuts, sequences=tuple(sequences)))


def _beyond_the_mass(plan: CutPlan) -> np.ndarray:
    """Return how many units of each group go beyond those that carry the share, int [groups]."""
    found, counts = plan.cuts.found, []
    for sequence, members in zip(plan.cuts.sequences, found.members, strict=True):
        # Those that may not go count too: the mass of one that is kept anyway is held.
        total = found.scores[members].sum()
        left_without = total - np.cumsum(found.scores[sequence])
        # A channel goes if those above it reach the share; 1e-12 is for the rounding of the sums.
        enough = left_without >= plan.request.threshold * total * (1 - 1e-12)
        counts.append(int(enough.sum()))
    return np.array(counts, int)


def _unsupported(plan: CutPlan, groups: np.ndarray, fate: str) -> list[str]:
    """Return a line for each group without support, bool [groups], that says what became of it."""
    found = plan.cuts.found
    return [
        f"without any support, so it {fate}: {', '.join(found.names(found.members[group]))}"
        for group in np.flatnonzero(groups)
    ]
