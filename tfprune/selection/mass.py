"""Keep the channels that carry a share of their layer's support (FGP)."""

from collections.abc import Mapping

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.scoring import Scores
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import choose
from tfprune.selection._request import Request
from tfprune.selection.ranking import RULES


def keep_masks(graph: ChannelGraph, scores: Scores, request: Request) -> dict[str, np.ndarray]:
    """Return {layer: bool [C]} for all layers.

    A threshold T in (0, 1] means: of each layer the best channels whose scores together reach T
    of the layer's total, the one that crosses it included; a layer whose scores are all zero
    stays whole. Other amounts count channels, as in a ranking: ratio=1-k keeps ceil(k C).

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}, not negative, higher = keep.
        request: how much is to go.

    Raises:
        PruningError: a threshold out of range, negative scores, and as in a ranking.
    """
    if request.amount == "threshold":
        _check(scores, request.threshold)
    return choose(graph, scores, request, RULES | {"threshold": _beyond_the_mass})


def remarks(scores: Mapping[str, np.ndarray], keep: Mapping[str, np.ndarray]) -> list[str]:
    """Return which layers stayed whole because all their scores are zero."""
    dead = [name for name, value in scores.items() if not np.any(value) and keep[name].all()]
    return [f"layer {name!r}: all scores are zero, so it stays whole" for name in dead]


def _check(scores: Scores, threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise PruningError(
            "mass: expected threshold= in (0, 1], the share of a layer's support that is kept; "
            f"received {threshold!r}."
        )
    for name, value in scores.items():
        if np.min(value) < 0:
            raise PruningError(
                f"mass: a share of the support needs scores from 0 on; layer {name!r} has "
                f"{np.min(value):g}. Use ratio, macs or params."
            )


def _beyond_the_mass(graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request):
    return np.array([_spare(plan, s, request.threshold) for s in plan.sequences], int)


def _spare(plan: Cuts, sequence: np.ndarray, share: float) -> int:
    """Return how many of a group's worst channels are not needed to reach the share."""
    if not len(sequence):
        return 0
    scores, groups = plan.found.scores, plan.found.groups
    # Also those that may not go count; the mass of one that is kept anyway is held.
    total = scores[groups == groups[sequence[0]]].sum()
    left_without = total - np.cumsum(scores[sequence])
    # A channel goes if those above it reach the share; 1e-12 is for the rounding of the sums.
    return int((left_without >= share * total * (1 - 1e-12)).sum()) if total > 0 else 0
