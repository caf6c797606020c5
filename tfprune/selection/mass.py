"""Keep the channels that carry a share of their layer's support (FGP)."""

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._plan import Plan, check_plan, planned
from tfprune.selection.ranking import cut_lengths


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, and a line for each that has no support.

    A threshold T in (0, 1] means: of each layer the best channels whose scores together reach T
    of the layer's total, the one that crosses it included; a layer whose scores are all zero
    stays whole. Other amounts count channels, as in a ranking: ratio=1-k keeps ceil(k C).

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, not negative, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: negative scores with a threshold, and as in a ranking.
    """
    if request.amount != "threshold":
        plan = planned(graph, scores, request)
        return plan.masks(cut_lengths(plan)), []
    _check_signs(scores)
    plan = planned(graph, scores, request)
    counts, notes = _beyond_the_mass(plan)
    return plan.masks(counts), notes


def check(graph: ChannelGraph, request: Request) -> None:
    """Refuse a threshold that is no share, and what a ranking refuses."""
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


def _beyond_the_mass(plan: Plan) -> tuple[np.ndarray, list[str]]:
    found, counts, notes = plan.cuts.found, [], []
    for sequence, members in zip(plan.cuts.sequences, found.members, strict=True):
        # Those that may not go count too: the mass of one that is kept anyway is held.
        total = found.scores[members].sum()
        left_without = total - np.cumsum(found.scores[sequence])
        # A channel goes if those above it reach the share; 1e-12 is for the rounding of the sums.
        enough = left_without >= plan.request.threshold * total * (1 - 1e-12)
        counts.append(int(enough.sum()) if total > 0 else 0)
        if not total > 0:
            names = ", ".join(found.names(members))
            notes.append(f"without any support, so it stays whole: {names}")
    return np.array(counts, int), notes
