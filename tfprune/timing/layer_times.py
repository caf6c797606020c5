"""What a layer takes at any width, from what was measured at some."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

# Kernels of today's processors work on this many numbers at once, or on parts of it.
GRANULARITIES = (16, 8, 4, 1)


def granularity(width: Any) -> np.ndarray:
    """Return the largest of `GRANULARITIES` that divides widths.

    Args:
        width: int or int array.

    Example:
        >>> granularity([64, 24, 12, 7]).tolist()
        [16, 8, 4, 1]
    """
    width = np.asarray(width)
    found = np.ones(width.shape, int)
    for size in reversed(GRANULARITIES):
        found = np.where(width % size == 0, size, found)
    return found


@dataclass(frozen=True, eq=False)
class LayerTimes:
    """Seconds of one layer, with what follows it, as a function of its widths.

    Between the measured widths time is linear, beyond the least it goes on as it was. The grid is
    of round widths; others take longer by a factor that was measured near the middle of the grid.

    Args:
        widths: of each axis, the measured widths, ascending, all multiples of one granularity.
        seconds: float64, one axis per axis of `widths`.
        factors: of each axis, {granularity: how much longer than a multiple of the grid's}.
        calls: how often the model calls the layer.

    Example:
        >>> times = LayerTimes(((16, 32),), np.array([1.0, 3.0]), ({1: 1.5},))
        >>> times(24).item(), times(np.array([16, 31])).tolist()
        (2.0, [1.0, 4.3125])
    """

    widths: tuple[tuple[int, ...], ...]
    seconds: np.ndarray
    factors: tuple[Mapping[int, float], ...]
    calls: int = field(default=1)

    def __call__(self, *sizes: Any) -> np.ndarray:
        """Return the seconds at some sizes, which are broadcast."""
        sizes = np.broadcast_arrays(*sizes)
        places = [_place(own, size) for own, size in zip(self.widths, sizes, strict=True)]
        total = np.zeros(sizes[0].shape)
        for corner in itertools.product((0, 1), repeat=len(places)):
            index, share = [], np.ones(total.shape)
            for up, (low, above, last) in zip(corner, places, strict=True):
                index.append(np.minimum(low + up, last))
                share = share * (above if up else 1 - above)
            total = total + share * self.seconds[tuple(index)]
        for own, size in zip(self._tables, sizes, strict=True):
            total = total * own[granularity(size)]
        return self.calls * np.maximum(total, 0.0)

    @cached_property
    def _tables(self) -> list[np.ndarray]:
        """Factors by granularity; what is no coarser than the grid's has none."""
        tables = []
        for own in self.factors:
            table = np.ones(GRANULARITIES[0] + 1)
            table[list(own)] = list(own.values())
            tables.append(table)
        return tables

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "widths": [list(own) for own in self.widths],
            "seconds": self.seconds.tolist(),
            "factors": [{str(size): x for size, x in own.items()} for own in self.factors],
            "calls": self.calls,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LayerTimes":
        """Return what `to_json` gave."""
        factors = tuple({int(size): x for size, x in own.items()} for own in value["factors"])
        widths = tuple(tuple(own) for own in value["widths"])
        return cls(widths, np.array(value["seconds"], float), factors, value["calls"])


def _place(widths: Sequence[int], size: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the grid's place below a size, how far it lies towards the next, and the last."""
    grid = np.array(widths, float)
    if len(grid) == 1:
        return np.zeros(size.shape, int), np.zeros(size.shape), 0
    low = np.clip(np.searchsorted(grid, size, "right") - 1, 0, len(grid) - 2)
    return low, (size - grid[low]) / (grid[low + 1] - grid[low]), len(grid) - 1


def grid(width: int, granular: int, *, free: bool, shares: Sequence[float]) -> tuple[int, ...]:
    """Return the widths at which an axis is measured: shares of the whole, rounded.

    Args:
        width: the whole.
        granular: what the widths are multiples of.
        free: whether the axis can shrink at all.
        shares: of the whole, each in (0, 1].

    Example:
        >>> grid(96, 16, free=True, shares=(0.25, 0.5, 1))
        (32, 48, 96)
    """
    if not free:
        return (width,)
    rounded = {max(granular, granular * round(share * width / granular)) for share in shares}
    return tuple(sorted({min(size, width) for size in rounded} | {width}))
