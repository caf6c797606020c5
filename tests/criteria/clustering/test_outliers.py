"""Tukey's fences."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfprune.criteria.fmc.outliers import inliers


def test_the_worked_example():
    points = [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5), (10, 0.5), (0.5, -9)]
    assert np.flatnonzero(~inliers(np.array(points))).tolist() == [5, 6]


def test_a_point_on_the_fence_is_outside():
    # Q1 = 1, Q3 = 3: the fences are at -2 and 6.
    points = np.array([[0.0, 0], [1, 1], [2, 2], [3, 3], [6, 2]])
    assert inliers(points).tolist() == [True, True, True, True, False]
    assert inliers(points - [0, 0]).sum() == 4
    points[4, 0] = 5.99
    assert inliers(points).all()


def test_nobody_is_an_outlier_where_nobody_would_be_left():
    assert inliers(np.zeros((4, 2))).all()
    assert inliers(np.array([[0.0, 0], [0, 1], [0, 2]])).all()


def naive(points):
    kept = []
    for point in points:
        inside = True
        for axis, value in enumerate(point):
            q1, q3 = np.quantile([p[axis] for p in points], [0.25, 0.75])
            inside &= bool(q1 - 1.5 * (q3 - q1) < value < q3 + 1.5 * (q3 - q1))
        kept.append(inside)
    return kept


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(4, 30), st.integers(0, 10**6))
def test_fences_equal_naive_loops(count, seed):
    points = np.random.default_rng(seed).standard_cauchy((count, 2))
    assert inliers(points).tolist() == naive(points)
