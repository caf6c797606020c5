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

_PRIMES = (211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271)
_SHORT = (11, 13, 17, 19, 7, 23, 29, 31, 5)  # for positions that a table must have
_STAND_INS = {*_PRIMES, *_SHORT}
_MAP = 64  # a side of a map is halved several times


class OpenSizeError(Exception):
    """An open size goes where no stock operation takes one."""


class Sizes:
    """The numbers that stand for open sizes in one trace.

    Args:
        shapes: shapes of the model's inputs, None where they are open.
        taken: sizes of the model's weights; no stand-in divides one of them.
        short: stand-ins that a position table of a small model still holds.
        groups: of each input, with which others its open length is the same; by default with all.
    """

    def __init__(
        self,
        shapes: Sequence[Sequence[int | None]],
        taken: set[int],
        *,
        short: bool,
        groups: Sequence[int] = (),
    ):
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
                    apart = number if len(shape) > 3 else -1 - (groups[number] if groups else 0)
                    key = (apart, axis) if axis else 0
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
        self._taken = taken
        self._made: list[int] = []  # sizes that a call makes of open ones
        self._lines: dict[int, Any] = {}

    def is_open(self, size: Any) -> bool:
        """Return whether a number comes from an open size."""
        return isinstance(size, int | np.integer) and size > 0 and self._factor(int(size)) > 0

    def _factor(self, size: int) -> int:
        return next((p for p in self.axes if size % p == 0 and (p == size or p in _STAND_INS)), 0)

    def is_strange(self, size: int | None) -> bool:
        """Return whether nothing is known of a size: no stand-in, no weight's."""
        return size is not None and size > 1 and size not in self._taken and not self.is_open(size)

    def note(self, tensor: Any, axis: int) -> None:
        """Let a size be open that a call has made of an open one.

        Args:
            tensor: what the call returned.
            axis: which of its axes.
        """
        size = tensor.shape[axis]
        if not self.is_open(size):
            self.axes[size] = len(self.inputs), axis
            self.shapes.append(tuple(tensor.shape))
            self.inputs.append(tensor)
            self._made.append(size)

    def known(self) -> int:
        """Return how many sizes were noted."""
        return len(self._made)

    def give_up(self, known: int) -> None:
        """Forget the sizes that were noted since.

        Args:
            known: what `known` returned then.
        """
        for size in self._made[known:]:
            self.axes.pop(size)
            self._lines.pop(size, None)
        del self._made[known:]

    def line(self, size: int) -> Any:
        """Return zeros, int32 [size], as long as the axis that a stand-in stands for.

        Raises:
            OpenSizeError: the number is no multiple of an axis of an input.
        """
        number, axis = self.axes.get(self._factor(size), (0, -1))
        own = self.shapes[number][axis] if axis >= 0 else size + 1
        if size % own:
            raise OpenSizeError(f"makes a tensor of size {size}, which follows an open size")
        if size != own:
            return ops.tile(self.line(own), size // own)
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
            return self.arange(make, args, kwargs)
        shape = args[0] if args else kwargs["shape"]
        shape = [shape] if isinstance(shape, int) else list(shape)
        if not any(map(self.is_open, shape)):
            return make(*args, **kwargs)
        small = [1 if self.is_open(size) else size for size in shape]
        rest = {k: v for k, v in kwargs.items() if k != "shape"}
        constant = make(tuple(small), *args[1:], **rest)
        return stretched_like(constant, self.zeros(shape, constant.dtype))

    def arange(self, make: Callable, args: tuple, kwargs: dict) -> Any:
        """Return numbers in a row, which may begin or end at an open size."""
        start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
        count = math.ceil((stop - start) / step) if step else 0
        if set(kwargs) - {"dtype"} or not any(self.is_open(abs(n)) for n in (start, stop, count)):
            return make(*args, **kwargs)
        whole = all(isinstance(x, int | np.integer) for x in (start, stop, step))
        dtype = kwargs.get("dtype") or ("int32" if whole else keras.config.floatx())
        numbers = self._counted(make, count, dtype)
        if start < 0 and self.is_open(count) and not self.is_open(abs(start)):
            numbers = ops.flip(numbers, axis=0)  # it is the end that is known
            start, step = start + step * (count - 1), -step
        numbers = numbers if step == 1 else ops.multiply(numbers, step)
        return numbers if start == 0 else ops.add(numbers, self._number(start, dtype))

    def _counted(self, make: Callable, count: int, dtype: str) -> Any:
        """Return 0, 1, ..., count - 1."""
        if not self.is_open(count):
            return make(count, dtype=dtype)
        ones = ops.add(self.line(count), 1)
        return ops.cast(ops.subtract(ops.cumsum(ones, axis=0), 1), dtype)

    def _number(self, value: Any, dtype: str) -> Any:
        """Return a number, which an open size may tell, as one that follows the size."""
        if not self.is_open(abs(value)):
            return value
        count = ops.sum(ops.add(self.line(int(abs(value))), 1))
        return ops.cast(count if value > 0 else ops.negative(count), dtype)


def stretched_like(x: Any, zeros: Any) -> Any:
    """Return a tensor stretched as zeros are, which change no number."""
    is_truth = keras.backend.standardize_dtype(x.dtype) == "bool"
    return ops.logical_or(x, zeros) if is_truth else ops.add(x, zeros)
