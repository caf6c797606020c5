"""The best amounts under a budget: which share of each set of channels goes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.selection._budget import budget_of
from tfprune.selection.request import Request

_SWEEPS = 10  # turns over all sets, which mostly settle in three
_HALVINGS = 50  # of the interval in which the multiplier lies


class Allotment:
    """Amounts k, one per set of channels: the first k units of the set's order are gone.

    The cost is a sum of products of what is left along a weight's axes. Each axis loses a known
    number of channels with each amount of a set, so that a set's whole curve of costs, the other
    sets as they are, is a few products of vectors.

    Args:
        graph: channel graph of the model.
        curves: the sets; of each its `units` in order and their `harm`.
        request: the budget, and what has to stay.

    Raises:
        PruningError: the budget is out of reach.
    """

    def __init__(self, graph: ChannelGraph, curves: Sequence[Any], request: Request):
        self.graph, self.curves = graph, curves
        self.budget = budget_of(graph, request)
        self.allowed = [self._allowed(curve, request) for curve in curves]
        axes = {id(ids): ids for _, own in self.budget.terms for ids in own}
        self.losses = [self._losses(curve, axes) for curve in curves]
        # Of heads and places within them: what a set takes depends on what another one took.
        self.parted = {key: ids for key, ids in axes.items()
                       if (graph.unit[ids] != graph.second[ids]).any()}  # fmt: skip
        self.whole = {key: len(ids) for key, ids in axes.items()}
        most = [int(np.flatnonzero(allowed)[-1]) for allowed in self.allowed]
        least = self.budget(self.kept(most))
        self.budget.require(least, "with all that may go removed", "allow more layers to shrink")
        self._most = most

    def best(self) -> list[int]:
        """Return the amounts of least harm that keep to the budget, as nearly as found."""
        low, high = 1e-12 / self.budget.total, 1e12 / self.budget.total
        found = self._most
        if self.budget.share >= 1:
            return [0] * len(self.curves)
        for _ in range(_HALVINGS):
            middle = float(np.sqrt(low * high))
            amounts = self._settled(middle)
            if self.budget(self.kept(amounts)) <= self.budget.goal:
                found, high = amounts, middle
            else:
                low = middle
        return self._filled(found)

    def kept(self, amounts: Sequence[int]) -> np.ndarray:
        """Return which ids stay, bool [ids]."""
        return self.graph.kept(self.gone(amounts))

    def gone(self, amounts: Sequence[int]) -> np.ndarray:
        """Return which units go, bool [units]."""
        gone = np.zeros(len(self.graph.is_pinned), bool)
        for curve, amount in zip(self.curves, amounts, strict=True):
            gone[curve.units[:amount]] = True
        return gone

    def _allowed(self, curve: Any, request: Request) -> np.ndarray:
        """Return which amounts leave every layer what it needs, bool [U + 1]."""
        allowed = np.isfinite(curve.harm)
        for name in curve.layers:
            lost = self._lost(self.graph.producers[name], curve)
            left = self.graph.channels(name) - lost
            rounded = (left % request.round_to == 0) | (lost == 0)
            allowed &= (left >= min(request.min_channels, len(left))) & rounded
        allowed[0] = True
        return allowed

    def _lost(self, ids: np.ndarray, curve: Any) -> np.ndarray:
        """Return how many of some ids each amount removes, int [U + 1]."""
        return self._gone_by(ids, curve, np.ones(len(ids), bool))

    def _gone_by(self, ids: np.ndarray, curve: Any, alive: np.ndarray) -> np.ndarray:
        """Return how many of those ids that are alive each amount removes, int [U + 1]."""
        amounts = len(curve.units)
        turn = np.full(len(self.graph.is_pinned), amounts)
        turn[curve.units] = np.arange(amounts)
        turns = np.minimum(turn[self.graph.unit[ids]], turn[self.graph.second[ids]])[alive]
        counts = np.bincount(turns, minlength=amounts + 1)[:amounts]
        return np.concatenate([[0], np.cumsum(counts)])

    def _losses(self, curve: Any, axes: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        found = {key: self._lost(ids, curve) for key, ids in axes.items()}
        return {key: lost for key, lost in found.items() if lost[-1]}

    def _settled(self, multiplier: float) -> list[int]:
        """Return amounts of which none alone can be bettered at this price of the cost."""
        amounts = [0] * len(self.curves)
        for _ in range(_SWEEPS):
            before = list(amounts)
            for place, curve in enumerate(self.curves):
                price = curve.harm + multiplier * self._costs(place, amounts)
                amounts[place] = int(np.argmin(np.where(self.allowed[place], price, np.inf)))
            if amounts == before:
                break
        return amounts

    def _costs(self, place: int, amounts: Sequence[int]) -> np.ndarray:
        """Return the cost at every amount of one set, up to a constant, [U + 1]."""
        own = self.losses[place]
        total = np.zeros(len(self.curves[place].harm))
        for function, axes in self.budget.terms:
            if any(id(ids) in own for ids in axes):
                total += function(*(self._left(id(ids), place, amounts) for ids in axes))
        return total

    def _left(self, axis: int, place: int, amounts: Sequence[int]) -> np.ndarray:
        if axis in self.parted:
            ids = self.parted[axis]
            alive = self.kept([*amounts[:place], 0, *amounts[place + 1 :]])[ids]
            return alive.sum() - self._gone_by(ids, self.curves[place], alive)
        others = sum(
            int(losses[axis][amount])
            for at, (losses, amount) in enumerate(zip(self.losses, amounts, strict=True))
            if at != place and axis in losses
        )
        return self.whole[axis] - others - self.losses[place].get(axis, np.zeros(1))

    def _filled(self, amounts: Sequence[int]) -> list[int]:
        """Return amounts with what the budget still allows put back where it helps most."""
        amounts, room = list(amounts), self.budget.goal - self.budget(self.kept(amounts))
        while True:
            found = (0.0, -1, 0, 0.0)
            for place, curve in enumerate(self.curves):
                less = np.flatnonzero(self.allowed[place][: amounts[place]])
                if not len(less):
                    continue
                costs = self._costs(place, amounts)
                added = costs[less[-1]] - costs[amounts[place]]
                gain = curve.harm[amounts[place]] - curve.harm[less[-1]]
                if added <= room:
                    found = max(found, (gain, place, int(less[-1]), added))
            if found[1] < 0:
                return amounts
            amounts[found[1]], room = found[2], room - found[3]
