"""Least squares from sums alone, over rows of a layer's inputs and wanted outputs.

A layer is a matrix per group: columns X [groups, rows, D] times W [groups, D, M] give its outputs.
All that a fit and its error depend on are the sums of X'X, X'Y, Y'Y and of X and Y, in float64.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_FLOOR = 1e-12  # of a column's sum of squares: below, it does not vary and keeps its weights
_FAINT = 1e-6, 1e-9  # of the largest column's variance, and of what all give to the outputs
_NOTHING = 1e-10  # share of the spread below which an error is rounding
_ROUNDING = 1e-13  # of the outputs' squares: what float32 leaves, where they hardly vary


@dataclass
class Sums:
    """The sums over rows that least squares needs, float64.

    Args:
        rows: number of rows.
        x: [groups, D]; y: [groups, M]; xx: [groups, D, D]; xy: [groups, D, M]; yy: [groups, M].
    """

    rows: int = 0
    x: Any = 0.0
    y: Any = 0.0
    xx: Any = 0.0
    xy: Any = 0.0
    yy: Any = 0.0

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Add rows, x [groups, rows, D] and y [groups, rows, M]."""
        self.rows += x.shape[1]
        self.x = self.x + x.sum(axis=1)
        self.y = self.y + y.sum(axis=1)
        # One matrix at a time: NumPy then computes half of the symmetric product only.
        self.xx = self.xx + np.stack([part.T @ part for part in x])
        self.xy = self.xy + x.transpose(0, 2, 1) @ y
        self.yy = self.yy + (y * y).sum(axis=1)

    def __add__(self, other: "Sums") -> "Sums":
        if not other.rows:
            return self
        mine, theirs = vars(self), vars(other)
        return Sums(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def arrays(self) -> list[np.ndarray]:
        """Arrays that add up as the sums do."""
        return [np.asarray(value) for value in vars(self).values()]

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray]) -> "Sums":
        """Return what has these arrays."""
        rows, *others = arrays
        return cls(int(rows), *others)

    def error(self, weights: np.ndarray, offset: np.ndarray) -> float:
        """Return the sum of squares of Y - X W - b.

        Args:
            weights: W, [groups, D, M].
            offset: b, [groups, M].
        """
        fit = (weights * (self.xx @ weights - 2 * self.xy)).sum(axis=1) + self.yy
        shift = 2 * offset * ((self.x[:, None, :] @ weights)[:, 0] - self.y)
        return float(max((fit + shift + self.rows * offset**2).sum(), 0.0))

    def spread(self) -> float:
        """Return the sum of squares of Y about its mean."""
        return float((self.yy - self.y**2 / self.rows).sum())


@dataclass(frozen=True)
class Fit:
    """A layer's new matrix.

    Args:
        weights: [groups, D, M].
        offset: [groups, M], to be added to its outputs.
        ridge: share of the diagonal that was added to it; None: the layer stays as it was.
        before: error of the old matrix on rows held out, as a share of the wanted outputs' spread.
        after: error of the new one, likewise.
    """

    weights: np.ndarray
    offset: np.ndarray
    ridge: float | None
    before: float
    after: float


@dataclass
class Halves:
    """Sums over the rows to fit to, and over those that are held out to choose the ridge by."""

    fitted: Sums = field(default_factory=Sums)
    held: Sums = field(default_factory=Sums)

    def add(self, x: np.ndarray, y: np.ndarray, held: np.ndarray) -> None:
        """Add rows; `held`, bool [rows], says which are held out."""
        for sums, rows in ((self.fitted, ~held), (self.held, held)):
            if rows.any():
                sums.add(x[:, rows], y[:, rows])

    @property
    def arrays(self) -> list[np.ndarray]:
        """Arrays that add up as the sums do."""
        return [*self.fitted.arrays, *self.held.arrays]

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray]) -> "Halves":
        """Return what has these arrays."""
        middle = len(arrays) // 2
        return cls(Sums.of(arrays[:middle]), Sums.of(arrays[middle:]))


def best_fit(
    halves: Halves, old: np.ndarray, *, offset: bool, ridges: Iterable[float] = RIDGES
) -> Fit:
    """Return the matrix that answers best to rows it was not fitted to; the old one, if that does.

    minimise |Y - X W - b|^2 + ridge * |D^(1/2) (W - W0)|^2, D the diagonal of X'X about the means.

    Args:
        halves: the sums; without rows held out the smallest error on the fitted ones decides.
        old: W0, [groups, D, M].
        offset: whether an offset b can be had.
        ridges: the shares of the diagonal to try.
    """
    judge = halves.held if halves.held.rows else halves.fitted
    none = np.zeros((old.shape[0], old.shape[2]))
    rounding = _ROUNDING * float(judge.yy.sum())
    spread = max(judge.spread(), rounding) or 1.0
    before = judge.error(old, none)
    stays = Fit(old, none, None, before / spread, before / spread)
    if before <= max(_NOTHING * spread, rounding):
        return stays
    found, system = [(before, np.inf)], System(halves.fitted, old, offset=offset)
    for ridge in ridges:
        with suppress(np.linalg.LinAlgError):
            weights, shift = system.solved(halves.fitted, ridge)
            found.append((judge.error(weights, shift), ridge))
    after, ridge = min(found)
    if after < before:
        with suppress(np.linalg.LinAlgError):
            weights, shift = solved(halves.fitted + halves.held, old, ridge, offset=offset)
            return Fit(weights, shift, ridge, before / spread, after / spread)
    return stays


def solved(
    sums: Sums, old: np.ndarray, ridge: float, *, offset: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return W = W0 + (X'X + ridge D)^-1 X'(Y - X W0) and the offset b.

    Args:
        sums: of the rows.
        old: W0, [groups, D, M].
        ridge: share of the diagonal D that is added to it.
        offset: whether an offset is free.
    """
    return System(sums, old, offset=offset).solved(sums, ridge)


class System:
    """X'X, about the means where an offset is free, ready to be solved for ridges and goals.

    Args:
        sums: of the rows.
        old: W0, [groups, D, M].
        offset: whether an offset is free.
    """

    def __init__(self, sums: Sums, old: np.ndarray, *, offset: bool):
        self._old, self._offset = old, offset
        self._means = sums.x / sums.rows * offset
        about = self._means[:, :, None] * self._means[:, None, :]
        about *= -sums.rows
        about += sums.xx
        diagonal = np.einsum("gdd->gd", about)
        varies = diagonal > _FLOOR * np.einsum("gdd->gd", sums.xx)
        varies &= ~_faint(diagonal, old)
        # With a diagonal of ones no scale of a column makes the matrix ill-conditioned.
        self._size = np.sqrt(np.where(varies, diagonal, np.inf))[:, :, None]
        about /= self._size
        about /= self._size.transpose(0, 2, 1)
        self._matrix = about
        self._given = about @ np.where(varies[:, :, None], self._size * old, 0)
        self._factors: tuple[float, list[Any]] = (np.nan, [])

    def solved(self, sums: Sums, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Return W and b.

        Args:
            sums: of the same X, and of the Y that are the goal.
            ridge: share of the diagonal that is added to it.

        Raises:
            numpy.linalg.LinAlgError: rounding has made X'X indefinite; a larger ridge is needed.
        """
        xy = sums.xy - self._means[:, :, None] * sums.y[:, None, :]
        right = xy / self._size - self._given
        weights = self._old + self._divided(right, ridge) / self._size
        if not self._offset:
            return weights, np.zeros(sums.y.shape)
        return weights, sums.y / sums.rows - (self._means[:, None, :] @ weights)[:, 0]

    def _divided(self, right: np.ndarray, ridge: float) -> np.ndarray:
        if right.shape[1] == 1:
            return right / (self._matrix + ridge)
        if self._factors[0] != ridge:
            self._factors = ridge, [_factor(part, ridge) for part in self._matrix]
        pairs = zip(self._factors[1], right, strict=True)
        return np.stack([scipy.linalg.cho_solve(f, part, check_finite=False) for f, part in pairs])


def _faint(variances: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Return which columns hardly answer and never counted, bool [groups, D].

    A channel that is all but dead gains nothing from new weights, but they become hundreds of
    times larger than all others, and a layer of 8-bit weights has one scale for an output.

    Args:
        variances: of the columns, [groups, D].
        old: W0, [groups, D, M].
    """
    given = variances * (old**2).sum(axis=2)
    small, little = _FAINT
    quiet = variances < small * variances.max(axis=1, keepdims=True)
    return quiet & (given <= little * given.sum(axis=1, keepdims=True))


def _factor(matrix: np.ndarray, ridge: float) -> Any:
    loaded = matrix.T.copy(order="F")
    loaded[np.diag_indices_from(loaded)] += ridge
    return scipy.linalg.cho_factor(loaded, lower=True, overwrite_a=True, check_finite=False)
