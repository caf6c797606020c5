"""Keep the channels that carry a share of their layer's support (FGP)."""

import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.errors import PruningError
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._cuts import Cuts
from tfprune.selection._prefixes import choose
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


def _beyond_the_mass(
    graph: ChannelGraph, plan: Cuts, channels: np.ndarray, request: Request
) -> np.ndarray:
    lengths = []
    for sequence, members in zip(plan.sequences, plan.found.members, strict=True):
        # Those that may not go count too: the mass of one that is kept anyway is held.
        total = plan.found.scores[members].sum()
        left_without = total - np.cumsum(plan.found.scores[sequence])
        # A channel goes if those above it reach the share; 1e-12 is for the rounding of the sums.
        enough = left_without >= request.threshold * total * (1 - 1e-12)
        lengths.append(int(enough.sum()) if total > 0 else 0)
        if not total > 0:
            names = ", ".join(plan.found.names(members))
            request.notes.append(f"without any support, so it stays whole: {names}")
    return np.array(lengths, int)
