"""Operations that name an open size, written so that they hold for any size."""

import math
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from types import EllipsisType
from typing import Any

import keras
import numpy as np
from keras import ops

from tfprune.graph.opening.sizes import OpenSizeError, Sizes, stretched_like
from tfprune.graph.opening.stock import is_symbolic_tensor, reshaped


class Rewriting:
    """Writes operations anew, each by the method of its name.

    Args:
        sizes: the numbers that stand for open sizes.
    """

    def __init__(self, sizes: Sizes):
        self.sizes, self.is_open = sizes, sizes.is_open

    def rewritten(self, operation: Any, args: tuple) -> Any:
        """Return what stands for a call that names an open size; NotImplemented where none does."""
        write = getattr(self, f"_{type(operation).__name__.lower()}", None)
        return NotImplemented if write is None or not args else write(operation, *args)

    def _reshape(self, operation: Any, x: Any) -> Any:
        new = operation.newshape
        new = list(new) if isinstance(new, list | tuple) else [new]
        if -1 in new:
            rest = -math.prod(new)
            new[new.index(-1)] = math.prod(x.shape) // rest if rest else 0
        opened = [axis for axis, size in enumerate(new) if self.is_open(size)]
        if not opened or (len(opened) == 1 and new[opened[0]] < 0):
            return NotImplemented
        if len(opened) == 1:
            wanted = tuple(-1 if axis in opened else size for axis, size in enumerate(new))
            same = list(operation.newshape) if isinstance(operation.newshape, list | tuple) else 0
            return NotImplemented if same == list(wanted) else ops.reshape(x, wanted)
        if len(opened) == 2 and opened[0] == 0 and x.shape[:1] == tuple(new[:1]):
            target = tuple(-1 if axis in opened else size for axis, size in enumerate(new))
            return reshaped(x, target[1:])
        if len(opened) == 2 and (passed := _passing(x.shape, new, opened)) is not None:
            return self._around(x, new, *passed)
        if opened == list(range(len(opened))):
            return self._parted(x, new, len(opened))
        raise OpenSizeError(f"reshapes to {tuple(new)}, of which {len(opened)} sizes are open")

    def _parted(self, x: Any, new: list[int], count: int) -> Any:
        """Return a reshape to several open sizes, [samples, steps, ...], as rows that are picked.

        A stock reshape leaves one size open; where all are told by numbers, they hold for no other
        batch.
        """
        if tuple(x.shape) != (math.prod(new[:count]), *new[count:]):
            x = ops.reshape(x, (-1, *new[count:]))
        rows = self.sizes.arange(ops.arange, (new[0],), {})
        for size in new[1:count]:
            places = self.sizes.arange(ops.arange, (size,), {})
            length = ops.sum(ops.ones_like(places))
            rows = ops.add(ops.multiply(ops.expand_dims(rows, -1), length), places)
        return ops.take(x, rows, axis=0)

    def _around(self, x: Any, new: list[int], before: int, after: int) -> Any:
        """Return a reshape of all axes but one, which goes first meanwhile."""
        target = [-1 if self.is_open(n) else n for axis, n in enumerate(new) if axis != after]
        return ops.moveaxis(reshaped(ops.moveaxis(x, before, 0), tuple(target)), 0, after)

    def _broadcastto(self, operation: Any, x: Any) -> Any:
        return self._stretched(x, list(operation.shape))

    def _tile(self, operation: Any, x: Any) -> Any:
        times = np.atleast_1d(operation.repeats).tolist()
        shape = [1] * (len(times) - len(x.shape)) + list(x.shape)
        times = [1] * (len(shape) - len(times)) + times
        if not any(map(self.is_open, times)):
            return NotImplemented
        if any(n > 1 and size > 1 for n, size in zip(times, shape, strict=True)):
            raise OpenSizeError(f"tiles {tuple(x.shape)} by {tuple(times)}, an open size")
        return self._stretched(x, [a * b for a, b in zip(times, shape, strict=True)])

    def _repeat(self, operation: Any, x: Any) -> Any:
        axis, times = operation.axis, operation.repeats
        if not self.is_open(times):
            return NotImplemented
        if axis is None or x.shape[axis] != 1:
            raise OpenSizeError(f"repeats {tuple(x.shape)} {times} times, an open size")
        shape = list(x.shape)
        shape[axis] = times
        return self._stretched(x, shape)

    def _stretched(self, x: Any, shape: list[int]) -> Any:
        """Return a tensor stretched along axes of size 1, open ones by adding zeros."""
        before = [1] * (len(shape) - len(x.shape)) + list(x.shape)
        pairs = zip(before, shape, strict=True)
        new = [b if self.is_open(b) and a != b else 1 for a, b in pairs]
        if not any(map(self.is_open, new)):
            return NotImplemented if not any(map(self.is_open, shape)) else self._same(x, shape)
        known = [1 if self.is_open(b) else b for b in shape]
        if [a for a in before if not self.is_open(a)] != [
            b for a, b in zip(before, known, strict=True) if not self.is_open(a)
        ]:
            x = _times_ones(x, known)
        return stretched_like(x, self.sizes.zeros(new, x.dtype))

    def _same(self, x: Any, shape: list[int]) -> Any:
        if list(x.shape) == shape:
            return x
        return _times_ones(x, [1 if self.is_open(size) else size for size in shape])

    def _einsum(self, operation: Any, *operands: Any) -> Any:
        """Name axes by small letters alone: Keras foresees the shape of no others."""
        letters = set(operation.subscripts)
        unused = (letter for letter in ascii_lowercase if letter not in letters)
        small = {ord(x): next(unused) for x in sorted(letters & set(ascii_uppercase))}
        if not small:
            return NotImplemented
        return ops.einsum(operation.subscripts.translate(small), *operands)

    def _getitem(self, operation: Any, x: Any, key: Any) -> Any:
        is_list = isinstance(key, list) and any(isinstance(p, slice | None) for p in key)
        parts = list(key) if is_list or isinstance(key, tuple) else [key]
        if (axes := _new_axes(x, parts)) is not None:
            return ops.expand_dims(x, axes)
        is_bare = is_list or isinstance(key, slice)  # `x[:3]`: Keras asks for a tuple
        if Ellipsis in [p for p in parts if not isinstance(p, keras.KerasTensor | np.ndarray)]:
            return NotImplemented
        axis, changed = 0, is_bare
        for place, part in enumerate(parts):
            if isinstance(part, slice) and self.is_open(part.stop):
                if part.stop != x.shape[axis]:
                    return self._first(x, axis, part, parts)
                parts[place], changed = slice(part.start, None, part.step), True
            axis += part is not None
        return x[tuple(parts)] if changed else NotImplemented

    def _first(self, x: Any, axis: int, part: slice, parts: list[Any]) -> Any:
        others = [p for p in parts if p is not part]
        if part.start or part.step not in (None, 1) or any(p != slice(None) for p in others):
            raise OpenSizeError(f"slices {part}, an open size")
        return ops.take(x, self.sizes.arange(ops.arange, (part.stop,), {}), axis=axis)

    def _slice(self, operation: Any, x: Any, start: Any) -> Any:
        shape = list(operation.shape)
        if not any(map(self.is_open, shape)) or is_symbolic_tensor(start):
            return NotImplemented
        for axis, (first, size) in enumerate(zip(start, shape, strict=True)):
            if first or size != x.shape[axis]:
                if self.is_open(size) and not first:
                    x = self._first(x, axis, slice(None, size), [])
                else:
                    key = [slice(None)] * len(shape)
                    key[axis] = slice(int(first), int(first) + size)
                    x = x[tuple(key)]
        return x


def _new_axes(x: Any, parts: Sequence[Any]) -> list[int] | None:
    """Return the axes that a key adds where it does nothing else, as `x[:, None]` does.

    Keras has no symbolic form of `x[None]`, and LiteRT none where the other sizes are open.
    """
    whole = [p is None or isinstance(p, slice | EllipsisType) for p in parts]
    if not all(whole) or any(isinstance(p, slice) and p != slice(None) for p in parts):
        return None
    gap = [slice(None)] * (len(x.shape) - sum(isinstance(p, slice) for p in parts))
    full = [q for p in parts for q in (gap if p is Ellipsis else [p])]
    return [axis for axis, p in enumerate(full) if p is None] or None


def _passing(
    old: Sequence[int], new: Sequence[int], opened: Sequence[int]
) -> tuple[int, int] | None:
    """Return where an open size lies before and after a reshape that works on both sides of it.

    Heads go among the samples so: [samples, heads, steps, size] to [samples * heads, steps, size].
    """
    ends = {(size, math.prod(old[:axis])): axis for axis, size in enumerate(old)}
    found = ((ends.get((new[axis], math.prod(new[:axis]))), axis) for axis in opened)
    return next(((before, after) for before, after in found if before is not None), None)


def _times_ones(x: Any, shape: list[int]) -> Any:
    """Return a tensor stretched to known sizes; 1 leaves an axis as long as it is."""
    is_truth = keras.backend.standardize_dtype(x.dtype) == "bool"
    return (ops.logical_and if is_truth else ops.multiply)(x, np.ones(shape, x.dtype))
