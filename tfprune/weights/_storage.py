"""Numbers as PyTorch stores them: flat storages, and tensors that are windows on them."""

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError

# TensorFlow's bfloat16 is a numpy type, so that such numbers are converted as any others.
DTYPES = {
    "float64": np.dtype(np.float64),
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(tf.bfloat16.as_numpy_dtype),
    "int64": np.dtype(np.int64),
    "int32": np.dtype(np.int32),
    "int16": np.dtype(np.int16),
    "int8": np.dtype(np.int8),
    "uint8": np.dtype(np.uint8),
    "bool": np.dtype(np.bool_),
}
_MOST_AXES = 64  # numpy's limit
_MOST_ELEMENTS = 2**60  # of up to 8 bytes, within numpy's 2**63


@dataclass(frozen=True)
class Storage:
    """A flat array in a file.

    Args:
        key: what the file calls it.
        dtype: a name of `DTYPES`.
        numel: number of elements that the tensors may reach.
        start: where these begin in the file's array, which several storages may share.
    """

    key: str
    dtype: str
    numel: int
    start: int = 0

    def __setstate__(self, state: object) -> None:
        """Change nothing, whatever a pickle asks for."""


@dataclass(frozen=True)
class Window:
    """A tensor before its numbers are read: which elements of which storage.

    Args:
        storage: the storage.
        offset: place of the first element.
        shape: sizes.
        strides: steps in elements, one per axis; 0 repeats.
    """

    storage: Any
    offset: Any
    shape: Any
    strides: Any

    def __setstate__(self, state: object) -> None:
        """Change nothing: a pickle may bring hooks and flags of a parameter."""

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor; 0 where reading it will be refused."""
        if not self._is_plain() or self._needed > self.storage.numel:
            return 0
        return prod(self.shape) * DTYPES[self.storage.dtype].itemsize

    @property
    def _needed(self) -> int:
        """How many elements the storage must have."""
        steps = zip(self.shape, self.strides, strict=True)
        return self.offset + sum((size - 1) * step for size, step in steps) + 1

    def read(self, name: str, flat: Callable[[Storage], np.ndarray]) -> np.ndarray:
        """Return the tensor as a view, so that nothing is allocated for what a file claims.

        Args:
            name: the tensor's name, for errors.
            flat: returns the elements of a storage, in one dimension.

        Raises:
            PruningError: the tensor reaches beyond its storage.
        """
        if not self._is_plain():
            raise PruningError(
                f"Tensor {name!r}: expected whole sizes and strides, received size "
                f"{reprlib.repr(self.shape)}, stride {reprlib.repr(self.strides)} and offset "
                f"{reprlib.repr(self.offset)}; the file is damaged."
            )
        dtype, shape = DTYPES[self.storage.dtype], tuple(self.shape)
        if prod(shape) == 0:
            return np.empty(shape, dtype)
        needed = self._needed
        if needed > self.storage.numel:
            raise PruningError(
                f"Tensor {name!r} of shape {shape}: expected a storage of at least "
                f"{needed * dtype.itemsize} bytes, received one of "
                f"{self.storage.numel * dtype.itemsize}; the file is damaged."
            )
        whole = flat(self.storage)
        if len(whole) != self.storage.numel:
            raise PruningError(
                f"Tensor {name!r}: storage {self.storage.key!r}: expected "
                f"{self.storage.numel * dtype.itemsize} bytes, received {whole.nbytes}; the file "
                "is damaged."
            )
        strides = [step * dtype.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(
            whole[self.offset :], shape, strides, writeable=False
        )

    def _is_plain(self) -> bool:
        sequences = isinstance(self.shape, list | tuple) and isinstance(self.strides, list | tuple)
        if not (isinstance(self.storage, Storage) and sequences):
            return False
        numbers = (self.offset, *self.shape, *self.strides)
        whole = all(isinstance(number, int) and number >= 0 for number in numbers)
        return whole and len(self.shape) == len(self.strides) and is_possible(self.shape)


def is_possible(shape: Sequence[int]) -> bool:
    """Return whether numpy can describe an array of a shape, also where a size is 0.

    Example:
        >>> is_possible((0, 3)), is_possible((0, 10**30))
        (True, False)
    """
    return len(shape) <= _MOST_AXES and prod(max(size, 1) for size in shape) < _MOST_ELEMENTS


def as_numbers(data: bytes | memoryview, dtype: str, *, swapped: bool = False) -> np.ndarray:
    """Return bytes as a flat array of numbers.

    Args:
        data: whole elements.
        dtype: a name of `DTYPES`.
        swapped: whether the bytes of each element are in the other order than here.
    """
    if not swapped:
        return np.frombuffer(data, DTYPES[dtype])
    return np.frombuffer(data, f"u{DTYPES[dtype].itemsize}").byteswap().view(DTYPES[dtype])
