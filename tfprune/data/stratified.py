"""Holding images out so that every class is on both sides, or saying which class is too small."""

from collections.abc import Sequence

import numpy as np

from tfprune.data.partition import hold_out
from tfprune.errors import PruningError

_TEST_SHARE = 5  # a fifth


def cut(
    labels: np.ndarray, size: int, seed: int, class_names: Sequence[str], purpose: str
) -> tuple[np.ndarray, np.ndarray]:
    """Divide places 0..N-1 into (rest, held out), each class in its share and on both sides.

    Args:
        labels: the classes, int [N].
        size: how many to hold out; 0: none.
        seed: of the choice.
        class_names: one per class, for the message.
        purpose: what is held out, "test" or "validation", for the message.

    Returns:
        int64 [N - size] and int64 [size], ascending.

    Raises:
        PruningError: a class is too small to be on both sides, or the size is out of range.

    Example:
        >>> rest, held = cut(np.array([0, 0, 1, 1]), 2, 0, ["cat", "dog"], "test")
        >>> len(rest), len(held)
        (2, 2)
    """
    counts = np.bincount(labels, minlength=len(class_names))
    if size:
        _require(counts, counts >= 2, size, class_names, purpose)
    rest, held = hold_out(len(labels), size, seed, strata=labels)
    if size:
        every = np.arange(len(counts))
        on_both = np.isin(every, labels[held]) & np.isin(every, labels[rest])
        _require(counts, on_both, size, class_names, purpose)
    return rest, held


def cut_test(labels: np.ndarray, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Divide places into (rest, a fifth for the test), always in the same way.

    Args:
        labels: the classes, int [N].
        class_names: one per class, for the message.

    Raises:
        PruningError: a class is too small to be on both sides.

    Example:
        >>> rest, test = cut_test(np.arange(20) % 2, ["cat", "dog"])
        >>> len(rest), len(test)
        (16, 4)
    """
    size = max(len(class_names), -(-len(labels) // _TEST_SHARE))
    return cut(labels, size, 0, class_names, "test")


def validation_size(chosen: int | None, count: int, classes: int, most: int = 2**31) -> int:
    """Return how many of `count` training images are held out: a tenth unless chosen.

    Args:
        chosen: what the user asked for; None: nothing.
        count: training images before the cut.
        classes: how many classes there are; each needs an image.
        most: a bound on the tenth.

    Example:
        >>> validation_size(None, 1000, 10), validation_size(0, 1000, 10)
        (100, 0)
    """
    return min(most, max(classes, count // 10)) if chosen is None else chosen


def _require(
    counts: np.ndarray, enough: np.ndarray, size: int, class_names: Sequence[str], purpose: str
) -> None:
    if enough.all():
        return
    small = [f"{class_names[c]!r} ({counts[c]})" for c in np.flatnonzero(~enough)]
    listed = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if small[5:] else "")
    raise PruningError(
        f"Too few images to hold {size} of {counts.sum()} out for the {purpose} split with every "
        f"class on both sides; classes without enough images: {listed}. Add images, leave the "
        "class out, or choose another validation_size."
    )
