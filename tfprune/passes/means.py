"""Means over samples, from sums that are added in their order in float64."""

from collections.abc import Mapping

import numpy as np

from tfprune.errors import PruningError


class Means:
    """Adds up sums over samples, part by part.

    Example:
        >>> means = Means()
        >>> means.add({"conv": np.array([3.0, 6.0])}, samples=3)
        >>> means.add({"conv": np.array([1.0, 2.0])}, samples=1)
        >>> means.over_samples("the example")["conv"].tolist()
        [1.0, 2.0]
    """

    def __init__(self) -> None:
        self._sums: dict[str, np.ndarray] = {}
        self._samples = 0

    def add(self, sums: Mapping[str, np.ndarray], samples: int) -> None:
        """Add one part's sums, {name: of any shape}, over this many samples."""
        for name, value in sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + np.asarray(value, np.float64)
        self._samples += samples

    def over_samples(self, user: str) -> dict[str, np.ndarray]:
        """Return {name: float64 mean}.

        Args:
            user: what needs the samples, for the error message, e.g. "Criterion 'taylor'".

        Raises:
            PruningError: there was no sample.
        """
        if not self._samples:
            raise PruningError(f"{user} received no batch. Pass at least one.")
        return {name: value / self._samples for name, value in self._sums.items()}
