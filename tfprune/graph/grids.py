"""Channels of heads: each belongs to a head, and to a place that is the same in every head.

A channel of a tensor [..., heads, size] stays if its head stays and its place does. Heads are units
as all channels are; the places are units of a second kind, found beside them: only what keeps the
places of all heads apart and alike lets them go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfprune.graph.channels import Channels, collapse
from tfprune.graph.layer_notes import Ids

Edges = list[tuple[Ids, Ids]]


@dataclass
class Grids:
    """What one analysis knows of heads and the places within them."""

    made: list[tuple[Ids, Ids]] = field(default_factory=list)  # (ids [N], rising, head of each)
    lines: list[Ids] = field(default_factory=list)  # ids that stand for places alone
    rows: Edges = field(default_factory=list)  # what unites heads alone
    columns: Edges = field(default_factory=list)  # what unites places alone
    pins: list[tuple[Ids, str]] = field(default_factory=list)  # of places

    def add(self, ids: Ids, heads: Ids, places: Ids) -> None:
        """Say that new ids belong to these heads and places; the three broadcast."""
        heads, places = np.broadcast_arrays(heads, places)
        order = np.argsort(ids, axis=None)
        self.made.append((ids.ravel()[order], heads.ravel()[order]))
        self.rows.append((ids, heads))
        self.columns.append((ids, places))

    def heads_of(self, ids: Ids) -> Ids:
        """Return ids with the head's in place of each that belongs to a grid."""
        found = ids.copy()
        for own, heads in self.made:
            inside = np.isin(ids, own)
            found[inside] = heads[np.searchsorted(own, ids[inside])]
        return found

    def holds(self, ids: Ids) -> bool:
        """Return whether any of these ids belongs to a grid, or is a head of one."""
        return any(np.isin(ids, known).any() for pair in self.made for known in pair)

    def whole(self, x: Channels) -> Channels:
        """Return the channels of a tensor with whole heads in place of the places within them."""
        if not self.made:
            return x
        ids = self.heads_of(x.ids)
        return x if (ids == x.ids).all() else collapse(ids, x.shape)

    def place_axis(self, x: Channels) -> int | None:
        """Return the axis along which only the places within heads change, if there is one."""
        axes = set(x.varying) - set(self.whole(x).varying)
        return axes.pop() if len(axes) == 1 else None

    def pin(self, ids: Ids, prefix: str, operation: Any) -> None:
        """Say that the places of these channels must stay: an operation takes whole heads."""
        reason = f"{prefix}: {type(operation).__name__} takes whole heads"
        self.pins.append((ids, reason))

    def members(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which ids belong to grids, and which stand for places alone, bool [ids]."""
        found = np.zeros((2, size), bool)
        for own, _ in self.made:
            found[0, own] = True
        for line in self.lines:
            found[1, line] = True
        return found[0], found[1]


def second_units(
    grids: Grids, unit: np.ndarray, apart: np.ndarray, notes: Sequence[tuple[Ids, str]]
) -> tuple[np.ndarray, np.ndarray, Mapping[int, str]]:
    """Return each id's unit, its second one, and the reasons of the places that are pinned.

    Args:
        grids: heads and places.
        unit: int [ids], the units that hold for all but places.
        apart: int [ids], what is united if heads are not.
        notes: (ids, reason) of what must stay.
    """
    inside, lines = grids.members(len(unit))
    mixed = np.unique(apart[~(inside | lines)]).tolist()
    reasons = dict.fromkeys(mixed, "places within heads meet what has no heads")
    reasons |= {int(p): reason for ids, reason in notes for p in np.unique(apart[ids])}
    first = unit.max(initial=-1) + 1
    names, numbers = np.unique(apart[lines], return_inverse=True)
    unit = unit.copy()
    unit[lines] = first + numbers
    second = unit.copy()
    known = {int(name): first + i for i, name in enumerate(names)}
    for i in np.flatnonzero(inside):
        place = int(apart[i])
        if place not in reasons:
            second[i] = known[place]
    pinned = {known[p]: reason for p, reason in reasons.items() if p in known}
    names, packed = np.unique(np.concatenate([unit, second]), return_inverse=True)
    unit, second = packed[: len(unit)], packed[len(unit) :]
    return unit, second, {int(np.searchsorted(names, p)): r for p, r in pinned.items()}
