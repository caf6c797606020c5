"""Sizes that a model leaves open: the batch, and whatever else is None in its inputs' shapes.

A call may ask for them (`ops.shape(x)[0]`) and build other shapes from the answer. While it is
traced it gets numbers that nothing else in the model is a multiple of; where such a number comes
back in an argument, the operation is replaced by one that holds for any size.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfprune.graph.opening.stock import is_symbolic_tensor, reshaped

_PRIMES = (211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271)
_SHORT = (11, 13, 17, 19, 7, 23, 29, 31, 5)  # for positions that a table must have
_MAP = 64  # a side of a map is halved several times


class OpenSizeError(Exception):
    """An open size goes where no stock operation takes one."""


class Sizes:
    """The numbers that stand for open sizes in one trace.

    Args:
        shapes: shapes of the model's inputs, None where they are open.
        taken: sizes of the model's weights; no stand-in divides one of them.
        short: stand-ins that a position table of a small model still holds.
    """

    def __init__(self, shapes: Sequence[Sequence[int | None]], taken: set[int], *, short: bool):
        known = taken | {n for shape in shapes for n in shape if n}
        free = [p for p in (_SHORT if short else _PRIMES) if all(n % p for n in known)]
        batch = [p for p in _PRIMES if all(n % p for n in known)]
        self.shapes: list[tuple[int | None, ...]] = []
        self.axes: dict[int, tuple[int, int]] = {}  # {stand-in: (input, axis)}
        names: dict[Any, int] = {}
        for number, shape in enumerate(shapes):
            sizes = list(shape)
            for axis, size in enumerate(shape):
                if size is None:
                    # Inputs that belong together, such as tokens and their mask, are alike.
                    key = axis if len(shape) < 4 or axis == 0 else (number, axis)
                    if key not in names:
                        names[key] = (batch if axis == 0 else free).pop(0)
                        if axis == 0:
                            free = [p for p in free if p != names[key]]
                        else:
                            batch = [p for p in batch if p != names[key]]
                    sizes[axis] = names[key] * (_MAP if len(shape) > 3 and axis else 1)
                    self.axes.setdefault(names[key], (number, axis))
            self.shapes.append(tuple(sizes))
        self.all_stand_in = not any(None in shape for shape in self.shapes)
        self.inputs: list[Any] = []
        self._lines: dict[int, Any] = {}

    def is_open(self, size: Any) -> bool:
        """Return whether a number comes from an open size."""
        return isinstance(size, int | np.integer) and size > 0 and self._factor(int(size)) > 0

    def _factor(self, size: int) -> int:
        return next((p for p in self.axes if size % p == 0), 0)

    def line(self, size: int) -> Any:
        """Return zeros, int32 [size], as long as the axis that a stand-in stands for.

        Raises:
            OpenSizeError: the number is no axis of an input.
        """
        number, axis = self.axes.get(self._factor(size), (0, -1))
        if axis < 0 or self.shapes[number][axis] != size:
            raise OpenSizeError(f"makes a tensor of size {size}, which follows an open size")
        if size not in self._lines:
            x = self.inputs[number]
            key = tuple(slice(None) if a == axis else 0 for a in range(len(x.shape)))
            self._lines[size] = ops.zeros_like(x[key], dtype="int32")
        return self._lines[size]

    def zero(self) -> Any:
        """Return a 0, int32 [], that the inputs make: what needs no input hangs on it."""
        if 0 not in self._lines:
            x = self.inputs[0]
            picked = x[(slice(None), *[slice(0, 1)] * (len(x.shape) - 1))]
            self._lines[0] = ops.sum(ops.zeros_like(picked, dtype="int32"))
        return self._lines[0]

    def zeros(self, shape: Sequence[int], dtype: Any) -> Any:
        """Return zeros of a shape with open sizes, 1 along the axes whose sizes are known."""
        total = None
        for axis, size in enumerate(shape):
            if self.is_open(size):
                line = self.line(size)
                new = [a for a in range(len(shape)) if a != axis]
                line = ops.expand_dims(line, new) if new else line
                total = line if total is None else ops.add(total, line)
        return ops.cast(total, dtype)

    def made(self, name: str, make: Callable, args: tuple, kwargs: dict) -> Any:
        """Return a constant that a call makes, as a tensor that follows the open sizes."""
        if name == "arange":
            return self._arange(make, args, kwargs)
        shape = args[0] if args else kwargs["shape"]
        shape = [shape] if isinstance(shape, int) else list(shape)
        if not any(map(self.is_open, shape)):
            return make(*args, **kwargs)
        small = [1 if self.is_open(size) else size for size in shape]
        rest = {k: v for k, v in kwargs.items() if k != "shape"}
        constant = make(tuple(small), *args[1:], **rest)
        return _with_zeros(constant, self.zeros(shape, constant.dtype))

    def _arange(self, make: Callable, args: tuple, kwargs: dict) -> Any:
        if len(args) == 2 and args[0] and self.is_open(args[1] - args[0]):
            return self._shifted(make, *args, kwargs)
        plain = not set(kwargs) - {"dtype"} and (
            len(args) == 1 or (args[:1] == (0,) and args[2:] in ((), (1,)))
        )
        stop = args[0] if len(args) == 1 else args[1] if len(args) > 1 else 0
        if plain and self.is_open(stop):
            dtype = kwargs.get("dtype") or "int32"
            ones = ops.add(self.line(int(stop)), 1)
            return ops.cast(ops.subtract(ops.cumsum(ones, axis=0), 1), dtype)
        return make(*args, **kwargs)

    def _shifted(self, make: Callable, start: int, stop: int, kwargs: dict) -> Any:
        """Return whole numbers that do not begin with 0, as many as an open size says."""
        numbers = self._arange(make, (stop - start,), kwargs)
        if start > 0:
            return ops.add(numbers, start)
        return ops.subtract(stop - 1, ops.flip(numbers, axis=0))  # it is the end that is known

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
        raise OpenSizeError(f"reshapes to {tuple(new)}, of which {len(opened)} sizes are open")

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
        return _with_zeros(x, self.zeros(new, x.dtype))

    def _same(self, x: Any, shape: list[int]) -> Any:
        if list(x.shape) == shape:
            return x
        return _times_ones(x, [1 if self.is_open(size) else size for size in shape])

    def _getitem(self, operation: Any, x: Any, key: Any) -> Any:
        if key is None:  # Keras has no symbolic form of `x[None]`
            return ops.expand_dims(x, 0)
        is_list = isinstance(key, list) and any(isinstance(p, slice | None) for p in key)
        parts = list(key) if is_list or isinstance(key, tuple) else [key]
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
        return ops.take(x, self._arange(ops.arange, (part.stop,), {}), axis=axis)

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


def _with_zeros(x: Any, zeros: Any) -> Any:
    """Return a tensor stretched as zeros are, which change no number."""
    is_truth = keras.backend.standardize_dtype(x.dtype) == "bool"
    return ops.logical_or(x, zeros) if is_truth else ops.add(x, zeros)
