"""What it costs a layer to lose inputs when its other weights are free to answer.

Structured optimal brain surgeon: with H the covariance of a layer's columns, losing the columns c
adds tr(W_c' [(H^-1)_cc]^-1 W_c) to the mean squared error of its outputs; the other weights become
W - (H^-1)_:c [(H^-1)_cc]^-1 W_c, and H^-1 loses c (Hassibi & Stork 1993, for groups of weights).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.reconstruction.forms import Form
from tfprune.reconstruction.normal_equations import Sums

_RIDGE = 1e-3  # share of the diagonal of H that is added to it, as in a typical fit
_FLOOR = 1e-9  # of the mean diagonal: a column that is always 0 costs nothing


class Elimination:
    """One group of a layer's matrix while columns go.

    Args:
        moments: covariance H of the columns, [D, D].
        weights: W, [D, M].
        unit: int [D], the unit that each column belongs to.
        spread: variance of the layer's outputs, summed up: costs are shares of it.
    """

    def __init__(self, moments: np.ndarray, weights: np.ndarray, unit: np.ndarray, spread: float):
        diagonal = np.diag(moments)
        floor = _FLOOR * diagonal.mean() + np.finfo(np.float32).tiny
        self.inverse = np.linalg.inv(moments + np.diag(_RIDGE * diagonal + floor))
        self.weights, self._spread = weights.copy(), spread or 1.0
        order = np.argsort(unit, kind="stable")
        names, starts = np.unique(unit[order], return_index=True)
        blocks = np.split(order, starts[1:])
        self._columns = dict(zip(names.tolist(), blocks, strict=True))

    def __contains__(self, unit: int) -> bool:
        return unit in self._columns

    def costs(self, units: Sequence[int]) -> dict[int, float]:
        """Return {unit: share of the outputs' variance that its removal adds now}."""
        sizes: dict[int, list[int]] = {}
        for unit in units:
            if unit in self._columns:
                sizes.setdefault(len(self._columns[unit]), []).append(unit)
        found: dict[int, float] = {}
        for alike in sizes.values():
            index = np.stack([self._columns[unit] for unit in alike])
            blocks, own = self.inverse[index[:, :, None], index[:, None, :]], self.weights[index]
            errors = (own * np.linalg.solve(blocks, own)).sum(axis=(1, 2)) / self._spread
            found |= dict(zip(alike, errors.tolist(), strict=True))
        return found

    def remove(self, unit: int) -> None:
        """Remove a unit's columns; the others answer."""
        columns = self._columns.pop(unit, None)
        if columns is None:
            return
        across = self.inverse[:, columns]
        answer = np.linalg.solve(across[columns], across.T)
        self.weights -= answer.T @ self.weights[columns]
        self.inverse -= across @ answer
        # What is left of the removed rows is rounding.
        self.weights[columns] = 0
        self.inverse[columns] = self.inverse[:, columns] = 0


def eliminations(
    graph: ChannelGraph, name: str, form: Form, sums: Sums, units: Sequence[int]
) -> list[Elimination]:
    """Return a layer's groups, ready to lose columns; none for a layer that reads none of them.

    Args:
        graph: channel graph of the original model.
        name: the layer.
        form: how it is a matrix.
        sums: of its columns and outputs.
        units: that may go, of one kind: heads, say, or places within them.
    """
    unit = column_units(graph, name, form, units)
    if unit is None:
        return []
    mean = sums.x / sums.rows
    covariance = sums.xx / sums.rows - mean[:, :, None] * mean[:, None, :]
    spread = sums.spread() / sums.rows
    return [
        Elimination(moments, weights, own, spread)
        for moments, weights, own in zip(covariance, form.matrix(), unit, strict=True)
    ]


def column_units(
    graph: ChannelGraph, name: str, form: Form, units: Sequence[int]
) -> np.ndarray | None:
    """Return the unit that each column of a layer's matrix belongs to, int [groups, D].

    A column of a kernel [heads, size, out] belongs to a head and to a place within it.

    Args:
        graph: channel graph of the original model.
        name: the layer.
        form: how it is a matrix.
        units: those that are asked for; None is returned where no column belongs to one.
    """
    place = next(i for i, w in enumerate(form.layer.weights) if w is form.kernel)
    shape = form.kernel.shape
    slots = [s for s in graph.owners[name].slots.values() if s.reads and s.weight == place]
    for slot, unit in itertools.product(slots, (graph.unit, graph.second)):
        own = unit[slot.ids]
        if not np.isin(own, units).any():  # most do not; a kernel's arrangement is large
            continue
        view = [1] * len(shape)
        view[slot.axis] = -1
        found, numbers = (
            form.arranged(np.broadcast_to(x.reshape(view), shape))
            for x in (own, np.arange(len(own)))
        )
        if (numbers == numbers[:, :, :1]).all():  # else the axis is one of the outputs
            return found[:, :, 0]
    return None


def order_of_removal(
    parts: Sequence[Elimination], units: Sequence[int], scores: Mapping[int, float] | None = None
) -> Iterator[tuple[int, float]]:
    """Remove units one by one; yield each with the error that it added, once it is gone.

    Args:
        parts: all that reads the units; what is left of them is one unit.
        units: the units of one coupled set.
        scores: {unit: score}: the lowest goes first; None: the one that costs least at that time.
    """
    left = list(units)
    while len(left) > 1:
        total = dict.fromkeys(left, 0.0)
        for part in parts:
            for unit, cost in part.costs(left).items():
                total[unit] += cost
        first = min(left, key=(total if scores is None else scores).__getitem__)
        left.remove(first)
        for part in parts:
            part.remove(first)
        yield first, total[first]
