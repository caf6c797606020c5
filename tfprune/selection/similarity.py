"""Keep one of each set of similar channels, by a greedy walk over a graph (Li et al. 2023)."""

from collections.abc import Mapping

import keras
import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.coupling import leaders
from tfprune.errors import PruningError
from tfprune.masks import kept_ids
from tfprune.request import Request
from tfprune.scoring import Scores
from tfprune.selection._budget import Budget
from tfprune.selection._parts import spared

HALVINGS = 10  # of the search for a threshold: to a thousandth


def keep_masks(
    graph: ChannelGraph, scores: Scores, request: Request
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return {layer: bool [C]} for all layers, from similarities [C, C] per layer.

    Channels that live or die together follow the layer among them that stands nearest to the
    input: the stem, or a stage's projection. A dense layer of as many units as the convolution
    it reads loses the units of the same numbers, as in the paper's VGG-16. For a share of the
    MACs or the parameters the threshold is searched that comes closest.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C, C]}, from the criterion "similarity".
        request: with a threshold in [0, 1], macs or params; no other amount is defined.

    Raises:
        PruningError: another amount, or an option that a graph does not know.
    """
    _check(request)
    allowed = request.pruned_layers(graph)
    if request.amount == "threshold":
        return _masks(graph, scores, request.threshold, allowed), []
    budget = Budget(graph, request.amount, getattr(request, request.amount))
    found: list[tuple[int, dict[str, np.ndarray]]] = []
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):  # more alike is asked for, more stays: nearly monotone
        middle = (low + high) / 2
        keep = _masks(graph, scores, middle, allowed)
        cost = budget(kept_ids(graph, keep))
        found.append((cost, keep))
        low, high = (middle, high) if cost < budget.goal else (low, middle)
    budget.require(
        min(cost for cost, _ in found), "with the lowest threshold", "use another method"
    )
    return min(found, key=lambda one: abs(one[0] - budget.goal))[1], []


def _masks(
    graph: ChannelGraph, scores: Scores, threshold: float, allowed: set[str]
) -> dict[str, np.ndarray]:
    removed = np.zeros(len(graph.is_pinned), bool)
    deleted = {name: redundant(matrix, threshold) for name, matrix in scores.items()}
    for name, gone in _tied_dense(graph, deleted).items():
        removed[graph.units_of(name)[gone]] = True
    for unit, leader in leaders(graph, deleted).items():
        channels = graph.units_of(leader) == unit
        removed[unit] = deleted[leader][channels].all()
    removed &= ~graph.is_pinned
    for name in set(graph.producers) - allowed:
        removed[graph.units_of(name)] = False
    removed &= ~spared(graph, (~removed).astype(float))
    return {name: ~removed[graph.units_of(name)] for name in graph.producers}


def redundant(similarity: np.ndarray, threshold: float) -> np.ndarray:
    """Return which channels of a layer are redundant, bool [C].

    Channels are joined where they are at least as similar as the threshold. Vertices are visited
    in ascending order; degrees and weights are those of the full graph throughout. A pair is
    settled for the visited one; a leaf of a bigger vertex goes; of a vertex and its undecided
    neighbours the one with most neighbours stays (then the heaviest, then the visited one).

    Args:
        similarity: float [C, C], symmetric.
        threshold: similarity from which two channels count as alike, in [0, 1].

    Example:
        >>> import numpy as np
        >>> redundant(np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]), 0.7).tolist()
        [False, True, False]
    """
    joined = (similarity >= threshold) & ~np.eye(len(similarity), dtype=bool)
    neighbours = [np.flatnonzero(row).tolist() for row in joined]
    hundredths = [  # whole hundredths, so that equal weights are equal
        sum(round(round(float(similarity[v, u]), 2) * 100) for u in near)
        for v, near in enumerate(neighbours)
    ]
    decided: dict[int, bool] = {}  # True: saved
    for v, near in enumerate(neighbours):
        if near and v not in decided:
            decided.update(_verdict(v, neighbours, hundredths, decided))
    return np.array([not decided.get(v, True) for v in range(len(neighbours))])


def _verdict(
    v: int, neighbours: list[list[int]], weights: list[int], decided: Mapping[int, bool]
) -> dict[int, bool]:
    near = neighbours[v]
    if len(near) == 1:
        alone = len(neighbours[near[0]]) == 1
        return {v: True, near[0]: False} if alone else {v: False}
    open_ones = [v, *(u for u in near if u not in decided)]
    best = max(open_ones, key=lambda u: (len(neighbours[u]), weights[u]))  # the first of equals
    return {u: u == best for u in open_ones}


def _tied_dense(graph: ChannelGraph, deleted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the masks of dense layers that are square with the convolution they read."""
    maker = {ids.tobytes(): name for name, ids in graph.producers.items() if name in deleted}
    tied = {}
    for name in graph.producers:
        owner = graph.owners[name]
        read = next((slot.ids for slot in owner.slots.values() if slot.reads), None)
        if isinstance(owner.operation, keras.layers.Dense) and read is not None:
            source = maker.get(read.tobytes())
            if source is not None and len(read) == graph.channels(name):
                tied[name] = deleted[source]
    return tied


def _check(request: Request) -> None:
    amount = getattr(request, request.amount)
    if request.amount not in ("threshold", "macs", "params") or not 0 <= amount <= 1:
        raise PruningError(
            "similarity: expected threshold=, the similarity in [0, 1] from which channels are "
            f"alike, or macs= or params=, to search it; received {request.amount}={amount!r}. How "
            "many channels go follows from it."
        )
    if request.scope:
        raise PruningError("similarity: scope has no effect: a threshold is for every layer alike.")
    for name, default in (("min_channels", 1), ("round_to", 1)):
        if getattr(request, name) != default:
            raise PruningError(f"similarity: {name} has no effect on a threshold. Leave it out.")
