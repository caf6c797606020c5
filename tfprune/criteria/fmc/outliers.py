"""Points that lie apart from all others."""

import numpy as np

FENCE = 1.5  # interquartile ranges beyond the quartiles


def inliers(points: np.ndarray) -> np.ndarray:
    """Return which points lie within Tukey's fences on every axis.

    Within is strictly between Q1 - 1.5 IQR and Q3 + 1.5 IQR (Tukey, Exploratory Data Analysis,
    1977), the quartiles interpolated linearly. Where this leaves nobody, as when most points
    coincide, nobody is an outlier.

    Args:
        points: [C, D].

    Returns:
        bool [C].

    Example:
        >>> import numpy as np
        >>> inliers(np.array([[0.0], [1.0], [2.0], [3.0], [40.0]])).tolist()
        [True, True, True, True, False]
    """
    first, third = np.quantile(points, [0.25, 0.75], axis=0)
    reach = FENCE * (third - first)
    inside = ((points > first - reach) & (points < third + reach)).all(axis=1)
    return inside if inside.any() else np.ones(len(points), bool)
