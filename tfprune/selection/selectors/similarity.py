"""Keep one of each set of similar channels, by a greedy walk over a graph (Li et al. 2023)."""

from collections.abc import Callable, Mapping

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import leaders
from tfprune.graph.rules import has_role
from tfprune.scoring.scores import Scores
from tfprune.selection._budget import Budget, budget_of
from tfprune.selection._candidates import checked, spared
from tfprune.selection._redundancy import hundredths, redundant
from tfprune.selection.request import COUNTED, TARGETS, Request
from tfprune.surgery.masks import kept_ids

OF_PAIRS = True
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
        request: with a threshold in [0, 1], macs, params or latency; no other amount is defined.

    Raises:
        PruningError: matrices of another shape, or a target that no threshold reaches.
    """
    allowed = request.pruned_layers(graph)
    alike = {name: checked(graph, name, matrix, axes=2) for name, matrix in scores.items()}
    rounded = {name: hundredths(matrix) for name, matrix in alike.items()}

    def masks(threshold: float) -> dict[str, np.ndarray]:
        gone = {name: redundant(alike[name], threshold, rounded[name]) for name in alike}
        return _masks(graph, gone, allowed)

    if request.amount == "threshold":
        return masks(request.threshold), []
    return _search(masks, graph, budget_of(graph, request)), []


def _search(
    masks: Callable[[float], dict[str, np.ndarray]], graph: ChannelGraph, budget: Budget
) -> dict[str, np.ndarray]:
    """Return the masks of the threshold that comes closest to a share of the cost."""
    found: list[tuple[float, dict[str, np.ndarray]]] = []
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):  # more alike is asked for, more stays: nearly monotone
        middle = (low + high) / 2
        keep = masks(middle)
        cost = budget(kept_ids(graph, keep))
        found.append((cost, keep))
        low, high = (middle, high) if cost < budget.goal else (low, middle)
    budget.require(
        min(cost for cost, _ in found), "with the lowest threshold", "use another method"
    )
    return min(found, key=lambda one: abs(one[0] - budget.goal))[1]


def _masks(
    graph: ChannelGraph, deleted: Mapping[str, np.ndarray], allowed: set[str]
) -> dict[str, np.ndarray]:
    removed = np.zeros(len(graph.is_pinned), bool)
    for name, gone in _tied_dense(graph, deleted).items():
        removed[graph.units_of(name)[gone]] = True
    for unit, leader in leaders(graph, deleted).items():
        channels = graph.units_of(leader) == unit
        removed[unit] = deleted[leader][channels].all()
    removed &= ~graph.is_pinned
    for name in set(graph.producers) - allowed:
        removed[graph.units_of(name)] = False
    removed &= ~spared(graph, (~removed).astype(float))
    return graph.masks(removed)


def _tied_dense(graph: ChannelGraph, deleted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the masks of dense layers that are square with the convolution they read."""
    maker = {ids.tobytes(): name for name, ids in graph.producers.items() if name in deleted}
    tied = {}
    for name in graph.producers:
        owner = graph.owners[name]
        read = next((slot.ids for slot in owner.slots.values() if slot.reads), None)
        if has_role(owner.operation, "dense") and read is not None:
            source = maker.get(read.tobytes())
            if source is not None and len(read) == graph.channels(name):
                tied[name] = deleted[source]
    return tied


def check(graph: ChannelGraph, request: Request) -> None:
    """Refuse another amount than a threshold or a target, and options that have no effect.

    Raises:
        PruningError: as said, or MACs that are unknown.
    """
    amount = getattr(request, request.amount)
    if request.amount not in ("threshold", *TARGETS) or not 0 <= amount <= 1:
        raise PruningError(
            "similarity: expected threshold=, the similarity in [0, 1] from which channels are "
            "alike, or macs=, params= or latency=, to search it; received "
            f"{request.amount}={amount!r}. The threshold decides how many channels go."
        )
    if request.scope:
        raise PruningError("similarity: scope has no effect: a threshold is for every layer alike.")
    if request.rounds_by_time:
        raise PruningError("similarity: runtime has no effect on a threshold. Leave it out.")
    for name, default in (("min_channels", 1), ("round_to", 1)):
        if getattr(request, name) not in (default, None):
            raise PruningError(f"similarity: {name} has no effect on a threshold. Leave it out.")
    if request.amount in COUNTED:
        budget_of(graph, request)
