"""Silhouettes and the number of clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances, silhouette_score

from tfprune.criteria.fmc.kmeans import Clusterer
from tfprune.criteria.fmc.silhouette import best_count, most_frequent, silhouette

POINTS = np.array([(0, 0), (0, 1), (1, 0), (10, 10), (10, 11), (11, 10), (20, 0), (20, 1), (21, 0),
                   (5, 20)], float)  # fmt: skip


def test_the_worked_example():
    distances = pairwise_distances(POINTS)
    for seed in range(10):
        clusterer = Clusterer(POINTS, seed)
        found = [silhouette(distances, clusterer.labels(k)) for k in (2, 3, 4)]
        np.testing.assert_allclose(found, [0.558431346, 0.806833252, 0.820647488], atol=5.1e-10)
        assert best_count(clusterer) == 4
    # Which pairs are parted does not matter for more clusters than five.
    found = [silhouette(distances, Clusterer(POINTS, 0).labels(k)) for k in (7, 8, 9)]
    np.testing.assert_allclose(found, [0.087867966, 0.058578644, 0.029289322], atol=5.1e-10)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(4, 30), st.integers(0, 10**6))
def test_silhouettes_equal_scikit_learns(count, seed):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((count, 2))
    clusters = int(rng.integers(2, count))
    labels = rng.permutation(
        np.r_[np.arange(clusters), rng.integers(0, clusters, count - clusters)]
    )
    found = silhouette(pairwise_distances(points), labels)
    assert found == pytest.approx(silhouette_score(points, labels), abs=1e-9)


@pytest.mark.parametrize(("points", "tried"), [(10, range(2, 10)), (63, range(2, 63)),
                                               (64, range(2, 32)), (65, range(2, 32))])  # fmt: skip
def test_the_numbers_that_are_tried(points, tried, monkeypatch):
    asked = []
    labels = Clusterer.labels
    monkeypatch.setattr(Clusterer, "labels", lambda s, k: asked.append(k) or labels(s, k))
    spread = np.random.default_rng(0).standard_normal((points, 2))
    best_count(Clusterer(spread, 0))
    assert asked == list(tried)
    asked.clear()
    best_count(Clusterer(spread, 0), stride=3)
    assert asked == list(tried[::3])


@pytest.mark.parametrize("count", [1, 2])
def test_two_points_are_two_clusters(count):
    assert best_count(Clusterer(POINTS[:count], 0)) == count


def test_the_most_frequent_number_is_the_least_of_several():
    assert most_frequent([4, 4, 6, 6, 5]) == 4
    assert most_frequent([6, 6, 4]) == 6
