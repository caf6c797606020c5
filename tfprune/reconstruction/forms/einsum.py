"""Dense and EinsumDense: an equation's axes sorted into groups, rows and columns."""

from typing import Any

import numpy as np
from keras import layers

from tfprune.reconstruction.forms._form import Form

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def find(layer: Any) -> Form | None:
    """Return the form of a Dense or EinsumDense layer; None for another one."""
    return Equation(layer) if type(layer) in (layers.Dense, layers.EinsumDense) else None


class Equation(Form):
    """A layer that computes `x, kernel -> y`.

    Axes that the kernel and x have but y has not are the columns; those that the kernel and y
    have are the outputs; those of all three are groups; those of x and y are rows.
    """

    def positions(self, y: np.ndarray) -> int:
        """Return the product of the axes that are no groups, outputs or samples."""
        _, kernel, out = self._terms(y.ndim)
        return int(np.prod([n for n, a in zip(y.shape, out, strict=True) if a not in kernel][1:]))

    def columns(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the inputs as rows, [groups, rows, D]."""
        term, kernel, out = self._terms(y.ndim)
        return _sorted(x, term, self._parts(kernel, term, out)[:2], term, rows)

    def targets(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the outputs as rows, [groups, rows, M]."""
        term, kernel, out = self._terms(y.ndim)
        shared, _, made = self._parts(kernel, term, out)
        return _sorted(y, out, (shared, made), term, rows)

    @property
    def kernel(self) -> Any:
        """The kernel."""
        return self.layer.kernel

    def arranged(self, kernel: np.ndarray) -> np.ndarray:
        """Return the kernel as a matrix per group."""
        order, sizes, _ = self._layout()
        return kernel.transpose(order).reshape(sizes)

    def assign(self, matrix: np.ndarray) -> None:
        """Set the kernel."""
        order, _, axes = self._layout()
        self.layer.kernel.assign(matrix.reshape(axes).transpose(np.argsort(order)))

    def bias(self) -> np.ndarray | None:
        """Return the bias as an offset per output; None where there is none, or one per row."""
        bias = getattr(self.layer, "bias", None)
        if bias is None:
            return None
        (named, wanted, size), value = self._bias_axes(), np.float64(bias.numpy())
        if value.size != np.prod([size[a] for a in named]):
            return None
        value = value.reshape([size[a] for a in named])
        value = value.transpose([named.index(a) for a in wanted if a in named])
        value = value.reshape([size[a] if a in named else 1 for a in wanted])
        return np.broadcast_to(value, [size[a] for a in wanted]).reshape(self._offsets)

    @property
    def takes_offset(self) -> bool:
        """Whether there is a number for each output."""
        bias = getattr(self.layer, "bias", None)
        return bias is not None and np.prod(bias.shape) == np.prod(self._offsets)

    def shift(self, offset: np.ndarray) -> None:
        """Add an offset to the bias."""
        named, wanted, size = self._bias_axes()
        offset = offset.reshape([size[a] for a in wanted])
        super().shift(offset.transpose([wanted.index(a) for a in named]))

    def _bias_axes(self) -> tuple[str, str, dict[str, int]]:
        """Return the kernel's axes that the bias has, those of the outputs, and their sizes."""
        term, kernel, out = self._terms(self._rank)
        shared, _, made = self._parts(kernel, term, out)
        # A bias has a 1 for each axis behind its first one that it is the same along.
        shape = self.layer.bias.shape
        ends = zip(out[len(out) - len(shape) :], shape, strict=True)
        named = "".join(a for a, n in ends if a in shared + made and n > 1)
        size = dict(zip(kernel, self.layer.kernel.shape, strict=True))
        # An axis of one number is named by chance only: it moves nothing.
        missing = "".join(a for a in shared + made if size[a] == 1 and a not in named)
        return named + missing, shared + made, size

    def _terms(self, rank: int) -> tuple[str, str, str]:
        if isinstance(self.layer, layers.Dense):
            rows = _LETTERS[: rank - 1]
            return f"{rows}c", "cm", f"{rows}m"
        left, _, out = self.layer.equation.replace(" ", "").partition("->")
        term, _, kernel = left.partition(",")
        free = "".join(c for c in _LETTERS if c not in self.layer.equation)
        missing = free[: rank - len(out.replace("...", ""))]
        return term.replace("...", missing), kernel, out.replace("...", missing)

    @staticmethod
    def _parts(kernel: str, term: str, out: str) -> tuple[str, str, str]:
        """Return the kernel's axes that are groups, columns and outputs."""
        return (
            "".join(a for a in kernel if a in term and a in out),
            "".join(a for a in kernel if a in term and a not in out),
            "".join(a for a in out if a in kernel and a not in term),
        )

    @property
    def _rank(self) -> int:
        return len(getattr(self.layer, "full_output_shape", (None, None)))

    def _layout(self) -> tuple[list[int], tuple[int, int, int], list[int]]:
        """Return the kernel's axes in order, the matrix' sizes, and its axes' sizes in order."""
        term, kernel, out = self._terms(self._rank)
        parts = self._parts(kernel, term, out)
        size = dict(zip(kernel, self.layer.kernel.shape, strict=True))
        order = [kernel.index(a) for part in parts for a in part]
        sizes = tuple(int(np.prod([size[a] for a in part])) for part in parts)
        return order, sizes, [size[a] for part in parts for a in part]


def _sorted(
    values: np.ndarray, term: str, parts: tuple[str, str], rows_of: str, rows: np.ndarray
) -> np.ndarray:
    """Return an array as [groups, rows, columns], for the named rows only."""
    shared, last = parts
    between = [a for a in rows_of if a in term and a not in shared + last]
    order = [term.index(a) for a in (*shared, *between, *last)]
    groups = int(np.prod([values.shape[term.index(a)] for a in shared]))
    width = int(np.prod([values.shape[term.index(a)] for a in last]))
    return values.transpose(order).reshape(groups, -1, width)[:, rows].astype(np.float64)
