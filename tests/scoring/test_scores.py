"""Scores on one scale."""

import numpy as np
import pytest

from tfprune.scoring.scores import scaled


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 3], [0.5, 1.5]), ([-1, 3], [-0.5, 1.5]), ([200, 200], [1, 1]), ([0, 0], [0, 0])],
)
def test_the_mean_magnitude_becomes_one(values, expected):
    given = np.float64(values)
    assert scaled(given).tolist() == expected
    assert given.tolist() == values
