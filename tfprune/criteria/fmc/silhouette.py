"""How many clusters points fall into."""

from collections.abc import Iterable

import numpy as np

from tfprune.criteria.fmc.kmeans import Clusterer

HALVED_FROM = 64  # points from which on only up to half as many clusters are tried


def silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean silhouette of a clustering (Rousseeuw, 1987).

    Args:
        distances: [M, M].
        labels: int [M] from 0; from 2 to M - 1 clusters.

    Returns:
        A number in [-1, 1]; points alone in their cluster count 0.

    Example:
        >>> import numpy as np
        >>> points = np.array([0.0, 1.0, 10.0])
        >>> round(silhouette(abs(points[:, None] - points), np.array([0, 0, 1])), 4)
        0.5963
    """
    member = labels[:, None] == np.arange(labels.max() + 1)
    sizes, own = member.sum(axis=0), np.arange(len(labels))
    sums = distances @ member
    alone = sizes[labels] == 1
    within = sums[own, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / np.maximum(sizes, 1)
    means[:, sizes == 0] = np.inf
    means[own, labels] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    values = np.divide(between - within, larger, out=np.zeros(len(labels)), where=larger > 0)
    return float(np.where(alone, 0, values).mean())


def best_count(clusterer: Clusterer, stride: int = 1) -> int:
    """Return the number of clusters with the largest silhouette, the least of equally good ones.

    Tried are 2 to M - 1 clusters of M points, from 64 points on 2 to M // 2 - 1. Of fewer than
    three points each is a cluster.

    Args:
        clusterer: the points.
        stride: step between the numbers that are tried.

    Example:
        >>> import numpy as np
        >>> best_count(Clusterer(np.array([[0.0], [1.0], [10.0], [11.0]]), seed=0))
        2
    """
    points = len(clusterer.points)
    end = points // 2 if points >= HALVED_FROM else points
    if points <= 2:
        return points
    distances = np.sqrt(clusterer.squared_distances)
    counts = range(2, end, stride)
    values = [silhouette(distances, clusterer.labels(count)) for count in counts]
    return counts[int(np.argmax(values))]


def most_frequent(counts: Iterable[int]) -> int:
    """Return the most frequent number, the least of equally frequent ones.

    Example:
        >>> most_frequent([4, 4, 6, 6, 5])
        4
    """
    numbers, times = np.unique(list(counts), return_counts=True)
    return int(numbers[np.argmax(times)])
