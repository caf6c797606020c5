"""Labels of classes as whole numbers."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.passes.reader import read

_HINT = "Take the batches from the data that the model's classes are of"


def labelled_images(
    data: Any,
    model: keras.Model | None,
    classes: int,
    user: str,
    hint: str = _HINT,
    rank: int = 1,
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield (inputs, class numbers int32 [N] or, for segmentation, [N, H, W]) of each batch.

    Args:
        data: batches of (inputs, labels), as for `class_numbers`.
        model: the model that they are for; None: one with a single input.
        classes: number of classes; the labels count from 0.
        user: who needs them, for the error message.
        hint: what to do about numbers out of range.
        rank: number of axes of the labels, 1 for [N].

    Raises:
        PruningError: labels missing, not one per image, or what are no class numbers.

    Example:
        >>> batches = [(np.zeros((2, 8, 8, 3)), [[3], [0]])]
        >>> [labels.tolist() for _, labels in labelled_images(batches, None, 10, "the example")]
        [[3, 0]]
    """
    for batch in read(data, model, user, labels=True):
        yield batch.inputs, class_numbers(batch.labels, classes, rank, user, hint)


def class_numbers(labels: Any, classes: int, rank: int, user: str, hint: str = _HINT) -> np.ndarray:
    """Return class numbers as int32, [N] or, for segmentation, [N, H, W].

    In segmentation other numbers mark pixels that do not count (255 in VOC); they become -1.

    Args:
        labels: class numbers [N] or [N, 1], or [N, H, W] or [N, H, W, 1].
        classes: number of classes.
        rank: number of axes, 1 for [N].
        user: who needs them, for the error message, e.g. "criterion 'fgp'".
        hint: what to do about numbers out of range.

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
        raise PruningError(f"{user}: expected {expected}; received {found[strange][0]}. {hint}.")
    return np.where(strange, -1, found.astype(np.int32))
