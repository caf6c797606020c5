"""What a model costs as a function of the channels that stay, and the share that is asked for."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.whole_layers import macs_of_whole
from tfprune.selection.request import Request
from tfprune.surgery.resizing import with_input_shape


class Budget:
    """Cost of a model under any choice of kept ids, without rebuilding it.

    Args:
        graph: channel graph of the model.
        kind: "macs" (multiply-accumulates of the weights for one sample) or "params" (weights).
        share: part of the whole model's cost that is to be left, in (0, 1].
        input_shape: shape of an input, without the batch, to count for; a list of them where the
            model has several.

    Raises:
        PruningError: MACs of a model with a layer whose multiplications are unknown.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        kind: str,
        share: float,
        input_shape: Sequence[Any] | None = None,
    ):
        self.kind, self.share = kind, share
        graph = graph if input_shape is None else sized(graph, input_shape)
        self.terms: list[tuple[int, list[np.ndarray]]] = []
        for owner in graph.owners.values():
            whole = macs_of_whole(graph.model, owner.operation) if owner.is_whole else None
            if kind == "macs" and whole is not None:  # all that goes in and comes out stays
                self.terms.append((whole, []))
                continue
            if kind == "macs" and owner.uncounted:
                raise PruningError(
                    f"macs: layer {owner.name!r} {owner.uncounted}. Build the model with a fixed "
                    "input size, pass input_shape=, teach the layer with @tfprune.rule and times=, "
                    "or use params=."
                )
            for index, weight in enumerate(getattr(owner.operation, "weights", ())):
                times = owner.times.get(index, 0) if kind == "macs" else 1
                slots = [slot for (i, _), slot in owner.slots.items() if i == index]
                self._add(times, weight.shape, {slot.axis: slot.ids for slot in slots})
            if kind == "macs":
                self.terms += owner.products
        self.total = self(np.ones(len(graph.unit), bool))
        self.goal = share * self.total

    def _add(self, times: int, shape: Sequence[int], axes: dict[int, np.ndarray]) -> None:
        fixed = math.prod(size for axis, size in enumerate(shape) if axis not in axes)
        if times:
            self.terms.append((times * fixed, list(axes.values())))

    def __call__(self, kept: np.ndarray) -> int:
        """Return the cost with the ids in `kept`, bool [ids]."""
        return sum(
            times * math.prod(int(np.count_nonzero(kept[ids])) for ids in axes)
            for times, axes in self.terms
        )

    def require(self, least: int, how: str, loosen: str) -> None:
        """Refuse a share below what can be reached.

        Args:
            least: the lowest cost that was found.
            how: by what, e.g. "with all that may go removed".
            loosen: what else could be changed than the share.

        Raises:
            PruningError: the lowest cost is more than a hundredth above the goal.
        """
        if least > self.goal * 1.01:
            raise PruningError(
                f"{self.kind}={self.share} cannot be reached: {how}, {least / self.total:.3f} of "
                f"the model is left. Ask for more, or {loosen}."
            )


def budget_of(graph: ChannelGraph, request: Request) -> Budget:
    """Return the budget that a request asks for, of its "macs" or "params"."""
    share = getattr(request, request.amount)
    return Budget(graph, request.amount, share, request.input_shape)


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
