"""Labels of classes as whole numbers."""

from typing import Any

import numpy as np

from tfprune.errors import PruningError


def class_numbers(labels: Any, classes: int, rank: int, user: str) -> np.ndarray:
    """Return class numbers as int32, [N] or, for segmentation, [N, H, W].

    In segmentation other numbers mark pixels that do not count (255 in VOC); they become -1.

    Args:
        labels: class numbers [N] or [N, 1], or [N, H, W] or [N, H, W, 1].
        classes: number of classes.
        rank: number of axes, 1 for [N].
        user: who needs them, for the error message, e.g. "criterion 'fgp'".

    Raises:
        PruningError: another shape, or what are no class numbers.

    Example:
        >>> class_numbers([[3], [0]], 10, 1, "criterion 'fgp'").tolist()
        [3, 0]
    """
    found = np.asarray(labels)
    if found.ndim == rank + 1 and found.shape[-1] == 1:
        found = found[..., 0]
    expected = f"class numbers from 0 to {classes - 1}, of shape {['N', 'H', 'W'][:rank]}"
    if found.ndim != rank or found.dtype.kind not in "iuf" or (found != np.floor(found)).any():
        raise PruningError(
            f"{user}: expected {expected}; received {found.dtype} of shape {found.shape}. "
            "Convert one-hot labels with labels.argmax(-1)."
        )
    strange = (found < 0) | (found >= classes)
    if rank == 1 and strange.any():
        raise PruningError(
            f"{user}: expected {expected}; received {found[strange][0]}. Take the batches from "
            "the data that the model's classes are of."
        )
    return np.where(strange, -1, found.astype(np.int32))
