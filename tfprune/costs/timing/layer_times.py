"""What a layer takes at any width, from what was measured at some."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

# Kernels of today's processors work on this many numbers at once, or on parts of it.
GRANULARITIES = (32, 16, 8, 4, 1)
_NEAR = 0.02


def granularity(width: Any) -> np.ndarray:
    """Return the largest of `GRANULARITIES` that divides widths.

    Args:
        width: int or int array.

    Example:
        >>> granularity([64, 24, 12, 7]).tolist()
        [32, 8, 4, 1]
    """
    width = np.asarray(width)
    found = np.ones(width.shape, int)
    for size in reversed(GRANULARITIES):
        found = np.where(width % size == 0, size, found)
    return found


def coarsest_of_best(worth: Mapping[int, float]) -> int:
    """Return the coarsest of those roundings that are within two hundredths of the best.

    Args:
        worth: by rounding, the coarsest first.

    Example:
        >>> coarsest_of_best({32: 1.0, 16: 1.99, 8: 2.0})
        16
    """
    best = (1 - _NEAR) * max(worth.values())
    return next(size for size, found in worth.items() if found >= best)


@dataclass(frozen=True, eq=False)
class LayerTimes:
    """Seconds of one layer, with what follows it, as a function of its widths.

    Between the measured widths time is linear, beyond the least it goes on as it was. What lies
    between takes longer by a factor that was measured near the middle for each granularity.

    Args:
        widths: of each axis, the measured widths, ascending.
        seconds: float64, one axis per axis of `widths`.
        factors: of each axis, {granularity: how much longer than on the line between}.
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
        for own, factors, size in zip(self.widths, self._tables, sizes, strict=True):
            total = total * np.where(np.isin(size, own), 1.0, factors[granularity(size)])
        return self.calls * np.maximum(total, 0.0)

    @cached_property
    def _tables(self) -> list[np.ndarray]:
        """Factors by granularity; what was not measured has none."""
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


def grid(width: int, *, free: bool, shares: Sequence[float]) -> tuple[int, ...]:
    """Return the widths at which an axis is measured: shares of the whole, rounded.

    They are multiples of the coarsest granularity that leaves at least four of them.

    Args:
        width: the whole.
        free: whether the axis can shrink at all.
        shares: of the whole, each in (0, 1].

    Example:
        >>> grid(256, free=True, shares=(0.25, 0.5, 1)), grid(24, free=True, shares=(0.25, 0.5, 1))
        ((64, 128, 256), (8, 12, 24))
    """
    if not free:
        return (width,)
    fitting = (size for size in GRANULARITIES if width % size == 0 and width >= 4 * size)
    step = next(fitting, 1)
    rounded = {max(step, step * round(share * width / step)) for share in shares}
    return tuple(sorted({min(size, width) for size in rounded} | {width}))


def between(widths: Sequence[int]) -> dict[int, int]:
    """Return {granularity: a width near the middle of a grid that is not on it}.

    Args:
        widths: the grid; granularities that divide its last width lie on the line.

    Example:
        >>> between((64, 128, 256))
        {16: 144, 8: 136, 4: 132, 1: 129}
    """
    middle, last = widths[len(widths) // 2], widths[-1]
    found: dict[int, int] = {}
    inside = [width for width in range(1, last) if width not in widths]
    for size in (size for size in GRANULARITIES if size < granularity(last)):
        own = [width for width in inside if granularity(width) == size]
        if own and len(widths) > 1:
            found[size] = min(own, key=lambda width: (abs(width - middle), -width))
    return found
