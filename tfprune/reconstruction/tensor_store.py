"""Tensors in memory up to a bound, and in files beyond it."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.graph.keras_private import mask_of

_STORED = (tf.float16, tf.float32, tf.float64)  # what a .npy file brings back as it was


class TensorStore:
    """Keeps tensors in memory up to a bound, the others in files of a temporary folder.

    Args:
        size: bytes of memory.
    """

    def __init__(self, size: float):
        self._left = size
        self._folder = tempfile.TemporaryDirectory(prefix="tfprune-")
        self._files = 0

    def __enter__(self) -> "TensorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def put(self, tensor: Any) -> Any:
        """Keep a tensor; return what stands for it."""
        size = _size(tensor)
        if size <= self._left or tensor.dtype not in _STORED or _masked(tensor):
            self._left -= size
            return tensor
        self._files += 1
        path = Path(self._folder.name) / f"{self._files}.npy"
        np.save(path, tensor.numpy())
        return path

    def get(self, kept: Any) -> Any:
        """Return the tensor that something stands for."""
        return tf.convert_to_tensor(np.load(kept)) if isinstance(kept, Path) else kept

    def discard(self, kept: Any) -> None:
        """Forget a tensor."""
        if isinstance(kept, Path):
            kept.unlink()
        else:
            self._left += _size(kept)


def _size(tensor: Any) -> int:
    return int(np.prod(tensor.shape)) * tensor.dtype.size


def _masked(tensor: Any) -> bool:
    """Tell whether Keras hung a mask on a tensor, which a file would lose."""
    return mask_of(tensor) is not None
