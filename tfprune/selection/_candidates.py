"""The units that may go, with their scores and what each layer loses with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import scaled


@dataclass(frozen=True)
class Candidates:
    """Units that may be removed.

    Args:
        units: int [U], the units in the order of their first channel.
        scores: float64 [U], the mean over a unit's scored channels; higher = keep.
        ranks: float64 [U], what a ranking orders the units by: the scores, or where only units that
            are built alike compete, their shares of those.
        layers: names of all layers that make channels, [L].
        counts: int sparse [L, units of the graph], channels of each unit in each layer.
        scored: int [U], how many scored channels each unit has.
        groups: int [U]; units of layers that share units are of one group.
    """

    units: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    layers: tuple[str, ...]
    counts: csr_matrix
    scored: np.ndarray
    groups: np.ndarray

    @cached_property
    def ascending(self) -> np.ndarray:
        """The ranks of all scored channels, ascending."""
        return np.sort(np.repeat(self.ranks, self.scored))

    @cached_property
    def members(self) -> list[np.ndarray]:
        """The candidates of each group of coupled layers, in the order of the groups."""
        return [np.flatnonzero(self.groups == group) for group in np.unique(self.groups)]

    def names(self, members: np.ndarray) -> list[str]:
        """Return the layers that have channels of some candidates."""
        rows = self.counts[:, self.units[members]].sum(axis=1)
        return [self.layers[i] for i in np.flatnonzero(np.asarray(rows).ravel())]


def candidates(
    graph: ChannelGraph, scores: Mapping[str, np.ndarray], allowed: set[str], *, normalise: bool
) -> Candidates:
    """Return the units that are scored, not pinned, and all of whose layers may be pruned.

    Args:
        graph: channel graph of the model.
        scores: {layer: float64 [C]}.
        allowed: layers that may be pruned.
        normalise: divide each layer's scores by their mean.
    """
    counts = _counts(graph)
    total, scored = np.zeros(len(graph.is_pinned)), np.zeros(len(graph.is_pinned), int)
    for name, value in scores.items():
        values = checked(graph, name, value)
        if normalise:
            values = scaled(values)
        np.add.at(total, graph.units_of(name), values)
        np.add.at(scored, graph.units_of(name), 1)
    free = free_units(graph, allowed) & (scored > 0)
    first = {}
    for name in graph.producers:
        for unit in graph.units_of(name).tolist():
            first.setdefault(unit, None)
    units = np.array([unit for unit in first if free[unit]], int)
    ties = counts[:, units]
    _, group_of_layer = connected_components(ties @ ties.T, directed=False)
    columns = ties.tocsc()
    layer_of_unit = columns.indices[columns.indptr[:-1]]
    means = total[units] / scored[units]
    return Candidates(
        units,
        means,
        means,
        tuple(graph.producers),
        counts,
        scored[units],
        group_of_layer[layer_of_unit],
    )


def free_units(graph: ChannelGraph, allowed: set[str]) -> np.ndarray:
    """Return the units that are not pinned, and all of whose layers are allowed, bool [units]."""
    free = ~graph.is_pinned
    for name in set(graph.producers) - allowed:
        free[graph.units_of(name)] = False
    return free


def spared(graph: ChannelGraph, merit: np.ndarray) -> np.ndarray:
    """Return the units that stay as the best of a set that may not vanish, bool [units].

    Args:
        graph: channel graph of the model.
        merit: float [units], higher = keep; infinite for a unit that stays anyway.
    """
    best = np.zeros(len(merit), bool)
    for owner in graph.owners.values():
        for ids in owner.needed:
            units = graph.unit[ids][::-1]  # of equals the last stays
            best[units[np.argmax(merit[units])]] = True
    return best


def _counts(graph: ChannelGraph) -> csr_matrix:
    units = [graph.units_of(name) for name in graph.producers]
    rows = np.repeat(np.arange(len(units)), [len(u) for u in units])
    columns = np.concatenate(units) if units else np.zeros(0, int)
    shape = (len(units), len(graph.is_pinned))
    return csr_matrix((np.ones(len(rows), int), (rows, columns)), shape)


def checked(graph: ChannelGraph, name: str, value: np.ndarray, axes: int = 1) -> np.ndarray:
    """Return the scores of a layer as float64.

    Args:
        graph: channel graph of the model.
        name: the layer.
        value: its scores, [C], or [C, C] with two axes.
        axes: how many axes of all channels they have.

    Raises:
        PruningError: an unknown layer, another shape, or numbers that are not finite.
    """
    if name not in graph.producers:
        raise unknown("layer in scores", name, graph.producers)
    shape = (graph.channels(name),) * axes
    expected = "x".join(str(size) for size in shape)
    try:
        values = np.asarray(value, np.float64)
    except (ValueError, TypeError) as error:
        raise PruningError(
            f"Scores of layer {name!r}: expected {expected} numbers, received {value!r}: {error}."
        ) from error
    if values.shape != shape or not np.isfinite(values).all():
        raise PruningError(
            f"Scores of layer {name!r}: expected {expected} finite numbers, received "
            f"{values.dtype}{list(values.shape)} with {int((~np.isfinite(values)).sum())} that are "
            "not finite. Score the same graph that is pruned."
        )
    return values
