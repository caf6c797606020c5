"""What a model costs as a function of the channels that stay, and the share that is asked for."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.table import LatencyTable
from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.running_statistics import running_statistics
from tfprune.graph.whole_layers import macs_of_whole
from tfprune.selection.request import Request
from tfprune.surgery.resizing import with_input_shape

# A function of how many of the ids along some axes stay, and those axes. The numbers of one axis
# may be an array, for many choices at once.
Term = tuple[Callable[..., Any], list[np.ndarray]]


class OutOfReachError(PruningError):
    """A share below what can be left.

    Args:
        message: the refusal.
        least: the lowest share that was found.
    """

    def __init__(self, message: str, least: float):
        super().__init__(message)
        self.least = least


class Budget:
    """Cost of a model under any choice of kept ids, without rebuilding it.

    Args:
        kind: what is counted: "macs" (multiply-accumulates of the weights for one sample), "params"
            (weights but running statistics, as `cost` counts) or "latency" (seconds).
        share: part of the whole model's cost that is to be left, in (0, 1].
        terms: what the cost is a sum of.
        ids: how many ids the model has.
        constant: what stays whatever goes.
    """

    def __init__(
        self, kind: str, share: float, terms: Sequence[Term], ids: int, constant: float = 0
    ):
        self.kind, self.share = kind, share
        self.terms, self.constant = list(terms), constant
        self.total = self(np.ones(ids, bool))
        self.goal = share * self.total

    def __call__(self, kept: np.ndarray) -> float:
        """Return the cost with the ids in `kept`, bool [ids]."""
        return self.constant + sum(
            function(*(int(np.count_nonzero(kept[ids])) for ids in axes))
            for function, axes in self.terms
        )

    def left(self, kept: np.ndarray) -> float:
        """Return the share of the whole model's cost that the ids in `kept` have."""
        return self(kept) / self.total

    def require(self, least: float, how: str, loosen: str) -> None:
        """Refuse a share below what can be reached.

        Args:
            least: the lowest cost that was found.
            how: by what, e.g. "with all that may go removed".
            loosen: what else could be changed than the share.

        Raises:
            OutOfReachError: the lowest cost is more than a hundredth above the goal.
        """
        if least > self.goal * 1.01:
            left = least / self.total
            raise OutOfReachError(
                f"{self.kind}={self.share:.4g} cannot be reached: {how}, {left:.3f} of "
                f"the model is left. Ask for more, or {loosen}.",
                left,
            )


def budget_of(graph: ChannelGraph, request: Request) -> Budget:
    """Return the budget that a request asks for, of its "macs", "params" or "latency".

    Args:
        graph: channel graph of the model.
        request: with a latency table, if its amount is a latency.

    Raises:
        PruningError: MACs of a model with a layer whose multiplications are unknown.
    """
    share, size = getattr(request, request.amount), request.input_shape
    graph = graph if size is None else sized(graph, size)
    if request.amount == "latency":
        terms = _seconds(graph, request.table)
        return Budget("latency", share, terms, len(graph.unit), request.table.constant)
    return Budget(request.amount, share, _counts(graph, request.amount), len(graph.unit))


def _counts(graph: ChannelGraph, kind: str) -> Iterator[Term]:
    for owner in graph.owners.values():
        whole = macs_of_whole(graph.model, owner.operation) if owner.is_whole else None
        if kind == "macs" and whole is not None:  # all that goes in and comes out stays
            yield _product(whole), []
            continue
        if kind == "macs" and owner.uncounted:
            raise PruningError(
                f"macs: layer {owner.name!r} {owner.uncounted}. Build the model with a fixed "
                "input size, pass input_shape=, teach the layer with @tfprune.rule and times=, "
                "or use params=."
            )
        statistics = running_statistics(owner.operation)  # `cost` does not count them either
        for index, weight in enumerate(getattr(owner.operation, "weights", ())):
            times = owner.times.get(index, 0) if kind == "macs" else index not in statistics
            slots = [slot for (i, _), slot in owner.slots.items() if i == index]
            axes = {slot.axis: slot.ids for slot in slots}
            fixed = math.prod(size for axis, size in enumerate(weight.shape) if axis not in axes)
            if times:
                yield _product(times * fixed), list(axes.values())
        if kind == "macs":
            yield from ((_product(fixed), axes) for fixed, axes in owner.products)


def _product(fixed: int) -> Callable[..., Any]:
    return lambda *sizes: fixed * math.prod(sizes)


def _seconds(graph: ChannelGraph, table: LatencyTable) -> Iterator[Term]:
    found = blocks(graph)
    for name, times in table.layers.items():
        yield _scaled(table.scale, times), list(found[name].axes)


def _scaled(scale: float, times: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *sizes: scale * times(*sizes)


def sized(graph: ChannelGraph, input_shape: Sequence[Any]) -> ChannelGraph:
    """Return the graph of the same model for inputs of another size, with the same ids.

    Args:
        graph: channel graph of the model.
        input_shape: as for `Budget`.

    Raises:
        PruningError: a shape that does not fit, or on which the channels depend.
    """
    model = with_input_shape(graph.model, input_shape)
    other = analyse(model, allow_inexact=True, open_layers=False)
    if len(other.unit) != len(graph.unit) or list(other.producers) != list(graph.producers):
        raise PruningError(
            f"input_shape={tuple(input_shape)}: the channels of model {graph.model.name!r} depend "
            "on the size. Build the model with inputs of this size, and prune that."
        )
    return other
