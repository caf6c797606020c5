"""What a model costs as a function of the channels that stay, and the share that is asked for."""

import math
from collections.abc import Sequence

import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph


class Budget:
    """Cost of a model under any choice of kept ids, without rebuilding it.

    Args:
        graph: channel graph of the model.
        kind: "macs" (multiply-accumulates of the weights for one sample) or "params" (weights).
        share: part of the whole model's cost that is to be left, in (0, 1].

    Raises:
        PruningError: MACs of a model with a layer whose multiplications are unknown.
    """

    def __init__(self, graph: ChannelGraph, kind: str, share: float):
        self.kind, self.share = kind, share
        self.terms: list[tuple[int, list[np.ndarray]]] = []
        for owner in graph.owners.values():
            if kind == "macs" and owner.uncounted:
                raise PruningError(
                    f"macs: layer {owner.name!r} {owner.uncounted}. Build the model with a fixed "
                    "input size, teach the layer with @tfprune.rule and times=, or use params=."
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
