"""Images with class numbers, read once or several times."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tfprune.batches import labelled
from tfprune.errors import PruningError

_NAMED = 20  # missing classes that are named; the rest are counted


def labelled_images(batches: Any, classes: int, user: str) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield (inputs, labels int [N]) of each batch.

    Args:
        batches: batches of (inputs, labels [N] or [N, 1]).
        classes: number of classes; the labels count from 0.
        user: what needs them, for the error message.

    Raises:
        PruningError: labels missing, of another shape, or out of range.
    """
    for inputs, given in labelled(batches, user):
        labels = np.asarray(given)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise PruningError(
                f"{user} needs one class number per image: expected labels of shape [N], received "
                f"{labels.shape}. Of one-hot labels pass labels.argmax(-1)."
            )
        count = len(keras.tree.flatten(inputs)[0])
        if len(labels) != count:
            raise PruningError(
                f"{user}: a batch of {count} images has {len(labels)} labels. Give one each."
            )
        wrong = labels[~np.isin(labels, np.arange(classes))]
        if len(wrong):
            raise PruningError(
                f"{user}: expected class numbers from 0 to {classes - 1}, received {wrong[0]}. "
                "Correct the labels, or give the number of classes with classes=."
            )
        yield inputs, labels.astype(int)


def check_readable(batches: Any, passes: int, memory_gb: float) -> None:
    """Refuse several passes over what can be read only once."""
    if passes > 1 and isinstance(batches, Iterator):
        raise PruningError(
            f"gfi: memory_gb={memory_gb:g} needs {passes} passes over the data, but the batches "
            f"are a {type(batches).__name__}, which can be read only once. Pass a data set or a "
            "list, or raise memory_gb."
        )


def check_counts(counts: np.ndarray, before: np.ndarray | None) -> None:
    """Refuse classes without images, and a pass over other images than the one before.

    Args:
        counts: images per class, int [classes].
        before: those of the pass before, if there was one.
    """
    if before is not None and not np.array_equal(before, counts):
        raise PruningError(
            f"gfi: one pass over the data gave {before.sum()} images, the next {counts.sum()}, or "
            "others of each class. Pass a data set that gives the same images each time, or raise "
            "memory_gb."
        )
    missing = np.flatnonzero(counts == 0)
    if len(missing):
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise PruningError(
            f"Criterion 'gfi' needs images of every class from 0 to {len(counts) - 1}; there are "
            f"none of {', '.join(map(str, missing[:_NAMED]))}{more}. Pass more images, or the "
            "number of classes with classes=."
        )
