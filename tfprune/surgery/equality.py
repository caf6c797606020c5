"""The one comparison of what two models answer, or a model and a file that was made of it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

_FLOAT32 = 2.0**-23

# An output that moves by less than this many steps of its numbers' precision stands still: what
# moves may be rounding.
_STEPS = 1000


@dataclass(frozen=True)
class Gap:
    """How far one output of two models lies apart.

    Args:
        difference: largest absolute difference; infinite where the shapes differ.
        magnitude: largest absolute value that was expected.
        variation: how far the expected output moves from sample to sample: the largest distance
            from its mean over the samples, or over all its numbers where there is one sample.
        precision: relative step of the numbers that were computed with.
    """

    difference: float = 0.0
    magnitude: float = 0.0
    variation: float = 0.0
    precision: float = _FLOAT32

    @property
    def varies(self) -> bool:
        """Whether the output depends on the sample by more than rounding does."""
        return self.variation > _STEPS * self.precision * self.magnitude

    @property
    def scale(self) -> float:
        """What the difference is measured by: the variation, or the magnitude of a constant.

        By its magnitude an output that hardly moves, say 1000 probabilities of an untrained
        classifier, would count as equal to any other.
        """
        return self.variation if self.varies else self.magnitude

    @property
    def share(self) -> float:
        """The difference as a share of the scale."""
        return self.difference / self.scale if self.difference else 0.0

    @property
    def relative(self) -> float:
        """The difference as a share of the magnitude; infinite where 0 was expected."""
        if not self.difference:
            return 0.0
        return self.difference / self.magnitude if self.magnitude else float("inf")

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite, and not all of them 0."""
        return bool(np.isfinite(self.difference) and np.isfinite(self.magnitude) and self.magnitude)

    def joined(self, other: "Gap") -> "Gap":
        """Return the gap over the samples of both; a number that is not finite stays."""
        largest = np.maximum(astuple(self), astuple(other))  # which keeps a NaN, as max does not
        return Gap(*largest.tolist())


def compare(
    expected: Sequence[np.ndarray], received: Sequence[np.ndarray], precision: float = _FLOAT32
) -> list[Gap]:
    """Compare the outputs of two models, one by one.

    Args:
        expected: float64 [N, ...] of each output.
        received: the same of the other model.
        precision: relative step of the numbers that both were computed with; float32's by default.

    Returns:
        One gap per output.

    Example:
        >>> import numpy as np
        >>> gap, = compare([np.array([[100.0], [102.0]])], [np.array([[100.0], [102.5]])])
        >>> gap.difference, gap.scale, gap.share
        (0.5, 1.0, 0.5)
    """
    return [_gap(a, b, precision) for a, b in zip(expected, received, strict=True)]


def _gap(expected: np.ndarray, received: np.ndarray, precision: float) -> Gap:
    expected, received = np.atleast_1d(expected), np.atleast_1d(received)
    equal = expected.shape == received.shape
    with np.errstate(invalid="ignore"):  # infinity from infinity
        mean = expected.mean(axis=0 if len(expected) > 1 else None)
        numbers = (expected - received if equal else np.inf, expected, expected - mean)
        return Gap(*(float(np.max(np.abs(x), initial=0)) for x in numbers), precision)
