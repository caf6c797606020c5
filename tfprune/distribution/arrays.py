"""Arrays as bytes, for what only carries bytes between workers."""

import io
from collections.abc import Sequence

import numpy as np


def to_bytes(arrays: Sequence[np.ndarray]) -> bytes:
    """Return arrays as bytes that `from_bytes` reads; bytes behind them do not matter.

    Example:
        >>> [array.tolist() for array in from_bytes(to_bytes([np.zeros(2), np.array(1)]))]
        [[0.0, 0.0], 1]
    """
    file = io.BytesIO()
    np.savez(file, *arrays)
    return file.getvalue()


def from_bytes(text: bytes) -> list[np.ndarray]:
    """Return the arrays that `to_bytes` was given."""
    with np.load(io.BytesIO(text), allow_pickle=False) as found:
        return [found[f"arr_{place}"] for place in range(len(found.files))]
