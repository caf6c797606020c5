"""How long a run is."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Course:
    """The length of a run in steps.

    Args:
        total: all steps.
        warmup: those of the warm-up, which come first.
        epoch: those of an epoch.
    """

    total: int
    warmup: int
    epoch: int

    def progress(self, step: int) -> float:
        """Return which share of what follows the warm-up lies behind a step, in [0, 1)."""
        return (step - self.warmup) / (self.total - self.warmup)


def half_cosine(first: float, last: float, progress: float) -> float:
    """Return the place on half a cosine from `first` (progress 0) to `last` (progress 1).

    Example:
        >>> half_cosine(1.0, 0.0, 0.5)
        0.5
    """
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
