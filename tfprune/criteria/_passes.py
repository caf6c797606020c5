"""What several passes over images with class numbers must agree in."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tfprune.errors import PruningError

_NAMED = 20  # missing classes that are named; the rest are counted


def check_readable(data: Any, passes: int, memory_gb: float) -> None:
    """Refuse several passes over what can be read only once."""
    if passes > 1 and isinstance(data, Iterator):
        raise PruningError(
            f"gfi: memory_gb={memory_gb:g} needs {passes} passes over the data, but it "
            f"is a {type(data).__name__}, which can be read only once. Pass a data set or a "
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
