"""Maps as points of the plane."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from threadpoolctl import threadpool_limits

from tfprune.criteria.fmc.embedding import embed, normalise


def maps(*rows):
    return np.array(rows, float).T.reshape(2, 2, len(rows))


def test_the_worked_example():
    found = normalise(maps([2, 4, 0, 1], [0, 0, 0, 0], [3, 3, 3, 3]))
    np.testing.assert_array_equal(found, [[0.5, 1, 0, 0.25], [0, 0, 0, 0], [1, 1, 1, 1]])


def test_the_signs_of_maps_without_an_activation_stay():
    found = normalise(maps([-2, -4, -1, -1], [1, -4, 0, 2]))
    np.testing.assert_array_equal(found, [[-0.5, -1, -0.25, -0.25], [0.25, -1, 0, 0.5]])


def test_equal_maps_become_neighbours_and_the_seed_decides():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.random((8, 30)), 2, axis=0) + 0.01 * rng.random((16, 30))
    with threadpool_limits(1):
        first, same, other = (embed(rows, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)
    apart = pairwise_distances(first)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_array_equal(apart.argmin(1), np.arange(16) ^ 1)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_few_and_dead_maps_have_finite_places(count):
    with threadpool_limits(1):
        points = embed(np.zeros((count, 4)), seed=0)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
