"""k-means against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from tfprune.criteria.fmc.kmeans import Clusterer


def inertia(points, labels):
    groups = [points[labels == k] for k in set(labels.tolist())]
    return sum(((group - group.mean(0)) ** 2).sum() for group in groups)


def blobs(count, seed):
    rng = np.random.default_rng(seed)
    centres = 40 * np.stack([np.arange(count) % 4, np.arange(count) // 4], 1)
    return rng.permutation(np.repeat(centres, 6, axis=0) + rng.standard_normal((6 * count, 2)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(2, 9), st.integers(0, 10**6))
def test_separated_blobs_are_told_apart_as_by_scikit_learn(count, seed):
    points = blobs(count, seed)
    with threadpool_limits(1):
        expected = KMeans(count, n_init=10, random_state=0).fit(points).labels_
    assert adjusted_rand_score(Clusterer(points, seed).labels(count), expected) == 1


@pytest.mark.parametrize("count", [3, 8, 20])
def test_clusters_are_as_tight_as_scikit_learns(count):
    ratios = []
    for seed in range(8):
        points = np.random.default_rng(seed).standard_normal((60, 2))
        labels = Clusterer(points, 0).labels(count)
        assert sorted(set(labels.tolist())) == list(range(count))
        with threadpool_limits(1):
            expected = KMeans(count, n_init=10, random_state=0).fit(points).inertia_
        ratios.append(inertia(points, labels) / expected)
    assert 0.9 < np.mean(ratios) < 1.03


def test_labels_follow_the_seed_and_nothing_that_was_asked_before():
    points = np.random.default_rng(0).standard_normal((50, 2))
    first = Clusterer(points, 3).labels(12)
    used = Clusterer(points, 3)
    for count in (2, 30, 7):
        used.labels(count)
    np.testing.assert_array_equal(used.labels(12), first)
    others = [Clusterer(points, seed).labels(12) for seed in range(4, 8)]
    assert any(not np.array_equal(first, other) for other in others)


def test_as_many_clusters_as_points_and_one_for_all():
    points = np.random.default_rng(0).standard_normal((7, 2))
    assert Clusterer(points, 0).labels(7).tolist() == list(range(7))
    assert not Clusterer(points, 0).labels(1).any()


def test_coinciding_points_share_a_cluster():
    points = np.repeat([[0.0, 0], [5, 5]], 4, axis=0)
    labels = Clusterer(points, 0).labels(3)
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_clusters_are_numbered_by_their_first_points():
    labels = Clusterer(blobs(5, 1), 0).labels(5)
    first = [labels.tolist().index(k) for k in range(5)]
    assert first == sorted(first)
