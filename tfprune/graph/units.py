"""From the notes of an analysis to units: which ids live or die together, and which must stay."""

from collections.abc import Iterable, Mapping

import keras
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tfprune.graph.channel_graph import ChannelGraph, Owners
from tfprune.graph.channels import Channels
from tfprune.graph.grids import Edges, second_units
from tfprune.graph.trace import Trace


def close(model: keras.Model, trace: Trace) -> ChannelGraph:
    """Turn the notes of an analysis into a channel graph."""
    unit = second = _units(trace, trace.grids.rows)
    pinned: Mapping[int, str] = {}
    if trace.grids.made:  # else no channel has a second unit
        apart = _units(trace, trace.grids.columns)
        notes = [*trace.pins, *trace.inexact, *trace.grids.pins]
        unit, second, pinned = second_units(trace.grids, unit, apart, notes)
    owners = {owner.name: owner for owner in trace.owners.values()}
    producers = {}
    for name, owner in owners.items():
        producers |= {f"{name}/{what}": ids for what, ids in owner.inner.items()}
        producers |= {} if owner.fresh is None else {name: owner.fresh}
    return ChannelGraph(
        model,
        Owners(owners),
        producers,
        unit,
        second,
        _reasons(trace.pins, unit) | pinned,
        _reasons(trace.inexact, unit),
        tuple(trace.readers),
        {key: tuple(inputs) for key, (inputs, _) in trace.models.items()},
    )


def _units(trace: Trace, more: Edges) -> np.ndarray:
    """Return the unit of each id under all that unites channels, and what else is to."""
    edges = [*trace.edges, *more]
    unit = _components(edges, trace.size)
    while bent := _straighten(trace.moved, unit):
        edges.extend(bent)
        unit = _components(edges, trace.size)
    return unit


def _components(edges: Edges, size: int) -> np.ndarray:
    first = np.concatenate([np.zeros(0, int), *(a.ravel() for a, _ in edges)])
    other = np.concatenate([np.zeros(0, int), *(b.ravel() for _, b in edges)])
    links = coo_matrix((np.ones(len(first), bool), (first, other)), (size, size))
    return connected_components(links, directed=False)[1]


def _straighten(
    tensors: Iterable[Channels], unit: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what to unite so that tensors stay rectangular when units go.

    Units may differ along one axis only, the longest: whatever goes is then a slice of the tensor.
    Where 12 channels became 3 x 4, removing channel 5 alone would leave a hole at (1, 1). A hole
    is no tensor; the columns are, so channels 1, 5 and 9 go together:

        0  1  2  3         a  b  c  d
        4  5  6  7   -->   a  b  c  d
        8  9 10 11         a  b  c  d

    Tensors that share units take turns, because the first one's axis may straighten the others:
    the same 12 channels seen as 12 x 1 need no more once these are united, and seen as 4 x 3
    would have been united along another axis, leaving fewer units than either needs. The caller
    closes the units and asks again until nothing is bent.
    """
    edges, touched = [], np.zeros(len(unit), bool)
    for x in tensors:
        units = unit[x.ids]
        bent = [axis for axis in x.varying if (units != units.take([0], axis=axis)).any()]
        if len(bent) < 2 or touched[units].any():
            continue
        touched[units] = True
        axis = max(bent, key=lambda axis: (units.shape[axis], axis))
        line = x.ids[tuple(slice(None) if a == axis else slice(0, 1) for a in range(x.ids.ndim))]
        edges.append((np.broadcast_to(line, x.ids.shape), x.ids))
    return edges


def _reasons(notes: Iterable[tuple[np.ndarray, str]], unit: np.ndarray) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for ids, reason in notes:
        for u in np.unique(unit[ids]):
            reasons.setdefault(int(u), reason)
    return reasons
