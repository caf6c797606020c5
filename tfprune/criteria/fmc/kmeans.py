"""k-means of points, all restarts at once, from distances that are computed once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

RESTARTS = 10
MAX_STEPS = 300
TOLERANCE = 1e-4  # movement of the centres, as a share of the points' variance


@dataclass(frozen=True)
class Clusterer:
    """k-means (Lloyd, 1982) of one set of points for any number of clusters.

    The centres start as by k-means++ (Arthur and Vassilvitskii, 2007), the best of several
    candidates each. One row of starting centres serves every number of clusters: the first k of
    them are a start for k clusters, so that asking for another number draws nothing anew.

    Args:
        points: float64 [M, D].
        seed: seed of the starts.

    Example:
        >>> import numpy as np
        >>> Clusterer(np.array([[0.0], [1.0], [10.0], [11.0]]), seed=0).labels(2).tolist()
        [0, 0, 1, 1]
    """

    points: np.ndarray
    seed: int | tuple[int, ...]

    @cached_property
    def squared_distances(self) -> np.ndarray:
        """Squared Euclidean distances, [M, M]."""
        apart = self.points[:, None] - self.points[None]
        return np.einsum("abd,abd->ab", apart, apart)

    def labels(self, count: int) -> np.ndarray:
        """Return the cluster of each point, the best of 10 restarts.

        Args:
            count: number of clusters, from 1 to M.

        Returns:
            int [M], numbered from 0 in the order of their first points.
        """
        if count == 1:
            return np.zeros(len(self.points), int)
        labels, inertia = _lloyd(self.points, self.points[self._starts(count)])
        return _renumbered(labels[np.argmin(inertia)])

    def _starts(self, count: int) -> np.ndarray:
        """Return the points that the restarts begin with, int [restarts, count]."""
        while len(self._drawn) < count:
            self._draw()
        return np.stack(self._drawn[:count], axis=1)

    @cached_property
    def _drawn(self) -> list[np.ndarray]:
        return [self._random.integers(len(self.points), size=RESTARTS)]

    @cached_property
    def _random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @cached_property
    def _nearest(self) -> np.ndarray:
        """Squared distance of each point to the nearest centre drawn, [restarts, M]."""
        return self.squared_distances[self._drawn[0]].copy()

    def _draw(self) -> None:
        """Draw one more centre for each restart: the best of several, the far ones likelier."""
        tries = 2 + int(np.log(len(self.points)))
        sums = np.cumsum(self._nearest, axis=1)
        shots = self._random.random((RESTARTS, tries)) * sums[:, -1:]
        candidates = (sums[:, None, :] <= shots[..., None]).sum(axis=2)
        candidates = np.minimum(candidates, len(self.points) - 1)  # where all points are centres
        nearest = np.minimum(self._nearest[:, None, :], self.squared_distances[candidates])
        best = np.argmin(nearest.sum(axis=2), axis=1)
        restarts = np.arange(RESTARTS)
        self._nearest[...] = nearest[restarts, best]
        self._drawn.append(candidates[restarts, best])


def _lloyd(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels [restarts, M] and inertia [restarts] from centres [restarts, k, D]."""
    labels = np.full((len(centres), len(points)), -1)
    inertia = np.full(len(centres), np.inf)
    bound = TOLERANCE * points.var(axis=0).mean()
    moving = np.arange(len(centres))
    for _ in range(MAX_STEPS):
        found, distance = _nearest_centres(points, centres)
        inertia[moving] = distance.sum(axis=1)
        moved = _means(points, found, centres)
        still = (found == labels[moving]).all(axis=1)
        still |= ((moved - centres) ** 2).sum(axis=(1, 2)) <= bound
        labels[moving] = found
        moving, centres = moving[~still], moved[~still]
        if not len(moving):
            break
    return labels, inertia


def _nearest_centres(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest centre of each point and the squared distance to it, [restarts, M]."""
    rows, k, size = centres.shape
    flat = centres.reshape(-1, size)
    half = 0.5 * np.einsum("cd,cd->c", flat, flat)
    products = (points @ flat.T - half).reshape(len(points), rows, k)
    labels = products.argmax(axis=2)  # the largest x.c - |c|^2/2 is the least |x - c|^2
    best = np.take_along_axis(products, labels[..., None], axis=2)[..., 0]
    distance = np.einsum("pd,pd->p", points, points)[:, None] - 2 * best
    return labels.T, distance.T


def _means(points: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the means of the clusters, [restarts, k, D]; an empty one stays where it was."""
    rows, k, size = centres.shape
    flat = (labels + k * np.arange(rows)[:, None]).ravel()
    counts = np.bincount(flat, minlength=rows * k)
    sums = [np.bincount(flat, np.tile(x, rows), rows * k) for x in points.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, centres.reshape(-1, size)).reshape(rows, k, size)


def _renumbered(labels: np.ndarray) -> np.ndarray:
    _, first, numbers = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]
