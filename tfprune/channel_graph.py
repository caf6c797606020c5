"""What an analysis found: units, what they tie together, and what must stay."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tfprune.channels import Channels
from tfprune.graph_table import graph_table
from tfprune.trace import Owner, Reader, Trace


@dataclass(frozen=True, eq=False)
class ChannelGraph:
    """The channels of a model, and which of them live or die together.

    Args:
        model: the analysed model.
        owners: what was learnt about each layer, by name.
        producers: {layer name: ids [C]} of the layers that make channels.
        unit: int [ids]; the unit each id belongs to. A unit lives or dies as a whole.
        pinned: {unit: reason} of the units that must stay.
        inexact: {unit: reason} of the units whose removal changes a statistic.
        readers: calls without weights that read channels.
    """

    model: keras.Model
    owners: dict[str, Owner]
    producers: dict[str, np.ndarray]
    unit: np.ndarray
    pinned: dict[int, str]
    inexact: dict[int, str]
    readers: tuple[Reader, ...]

    def channels(self, layer: str) -> int:
        """Return the number of channels that a layer makes."""
        return len(self.producers[layer])

    def units_of(self, layer: str) -> np.ndarray:
        """Return the unit of each channel of a layer, int [C]."""
        return self.unit[self.producers[layer]]

    def free(self, layer: str) -> np.ndarray:
        """Return which channels of a layer may be removed, bool [C]."""
        return ~self.is_pinned[self.units_of(layer)]

    @cached_property
    def is_pinned(self) -> np.ndarray:
        """Which units are pinned, bool [units]."""
        pinned = np.zeros(self.unit.max(initial=-1) + 1, bool)
        pinned[list(self.pinned)] = True
        return pinned

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """{layer: layers that share a unit with it, itself left out}."""
        names = list(self.producers)
        units = [np.unique(self.units_of(name)) for name in names]
        layer = np.repeat(np.arange(len(names)), [len(u) for u in units])
        unit = np.concatenate(units) if units else np.zeros(0, int)
        together = coo_matrix((np.ones(len(unit)), (layer, unit))).tocsr()
        touching = (together @ together.T).tolil().rows
        return {
            name: tuple(names[j] for j in sorted(touching[i]) if j != i)
            for i, name in enumerate(names)
        }

    def __str__(self) -> str:
        return graph_table(self)


def close(model: keras.Model, trace: Trace) -> ChannelGraph:
    """Turn the notes of an analysis into a channel graph."""
    unit = _units(trace)
    while bent := [pair for x in trace.moved for pair in _straighten(x, unit)]:
        trace.edges.extend(bent)
        unit = _units(trace)
    owners = {owner.name: owner for owner in trace.owners.values()}
    producers = {name: owner.fresh for name, owner in owners.items() if owner.fresh is not None}
    return ChannelGraph(
        model,
        owners,
        producers,
        unit,
        _reasons(trace.pins, unit),
        _reasons(trace.inexact, unit),
        tuple(trace.readers),
    )


def _units(trace: Trace) -> np.ndarray:
    first = np.concatenate([np.zeros(0, int), *(a.ravel() for a, _ in trace.edges)])
    other = np.concatenate([np.zeros(0, int), *(b.ravel() for _, b in trace.edges)])
    links = coo_matrix((np.ones(len(first), bool), (first, other)), (trace.size, trace.size))
    return connected_components(links, directed=False)[1]


def _straighten(x: Channels, unit: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what to unite so that a tensor stays rectangular when units go.

    Units may differ along one axis only, the longest: whatever goes is then a slice of the tensor.
    """
    units = unit[x.ids]
    bent = [axis for axis in x.varying if (units != units.take([0], axis=axis)).any()]
    if len(bent) < 2:
        return []
    axis = max(bent, key=lambda axis: (units.shape[axis], axis))
    line = x.ids[tuple(slice(None) if a == axis else slice(0, 1) for a in range(x.ids.ndim))]
    return [(np.broadcast_to(line, x.ids.shape), x.ids)]


def _reasons(notes: Iterable[tuple[np.ndarray, str]], unit: np.ndarray) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for ids, reason in notes:
        for u in np.unique(unit[ids]):
            reasons.setdefault(int(u), reason)
    return reasons
