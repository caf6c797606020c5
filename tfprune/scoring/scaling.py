"""Scores of different layers on one scale."""

import numpy as np


def scaled(values: np.ndarray) -> np.ndarray:
    """Return a layer's scores over their mean magnitude, so that layers can be ranked together.

    Args:
        values: float64 [C]; scores that are all zero stay as they are.

    Example:
        >>> scaled(np.array([1.0, 3.0])).tolist()
        [0.5, 1.5]
    """
    size = np.abs(values).mean()
    return values / size if size > 0 else values
