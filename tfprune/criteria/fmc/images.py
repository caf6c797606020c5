"""The images that filters are clustered on, and what is done for each of them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from tfprune.criteria.fmc.embedding import embed, normalise
from tfprune.criteria.fmc.kmeans import Clusterer
from tfprune.criteria.fmc.outliers import inliers
from tfprune.criteria.fmc.redundancy import OUTLIER
from tfprune.criteria.fmc.silhouette import best_count

Entropy = tuple[int, ...]


@dataclass(frozen=True)
class Images:
    """Single images in the order of their digests, so that the order they come in is nothing.

    Args:
        inputs: a model's inputs of one image each, batches of one.
        digests: what tells them apart, for seeds and for the cache.
    """

    inputs: Sequence[Any]
    digests: Sequence[int]

    def __len__(self) -> int:
        return len(self.inputs)


def collect(inputs: Iterable[Any]) -> Images:
    """Return images in the order of their digests.

    Example:
        >>> import numpy as np
        >>> first, second = np.zeros((1, 2)), np.ones((1, 2))
        >>> collect([first, second]).digests == collect([second, first]).digests
        True
    """
    found = sorted(((digest(keras.tree.flatten(x)), x) for x in inputs), key=lambda pair: pair[0])
    return Images([x for _, x in found], [number for number, _ in found])


def digest(parts: Iterable[Any]) -> int:
    """Return a number that tells arrays and texts apart, in [0, 2**128).

    Example:
        >>> digest(["a"]) == digest(["b"])
        False
    """
    total = hashlib.sha256()
    for part in parts:
        array = np.ascontiguousarray(part)
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(array.tobytes())
    return int.from_bytes(total.digest()[:16], "little")


def place(
    maps: Sequence[Mapping[str, np.ndarray]], digests: Sequence[int], seed: int, stride: int
) -> list[dict[str, tuple[np.ndarray, int]]]:
    """Lay the maps of images out in the plane, and count their clusters (step 0).

    Args:
        maps: {layer: [H, W, C]} of each image.
        digests: the images' digests.
        seed: seed of everything random.
        stride: as for `best_count`.

    Returns:
        {layer: (points [C, 2], number of clusters)} of each image.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).random((4, 4, 5))
        >>> points, count = place([{"conv": maps}], [7], seed=0, stride=1)[0]["conv"]
        >>> points.shape
        (5, 2)
    """
    with threadpool_limits(1):  # several processes share the cores, and threads add up otherwise
        return [
            {name: _place(value, _entropy(seed, name, image), stride) for name, value in of.items()}
            for of, image in zip(maps, digests, strict=True)
        ]


def label(
    points: np.ndarray, count: int, name: str, digests: Sequence[int], seed: int
) -> np.ndarray:
    """Cluster a layer's filters on each image into one number of clusters (step 1).

    Args:
        points: [S, C, 2], as `place` returns them.
        count: the layer's number of clusters; fewer where an image has fewer points.
        name: the layer.
        digests: the images' digests.
        seed: seed of everything random.

    Returns:
        int32 [S, C], the cluster of each filter on each image, -1 for outliers.

    Example:
        >>> import numpy as np
        >>> points = np.array([[[0.0, 0], [0, 1], [9, 9], [9, 8]]])
        >>> label(points, 2, "conv", [7], seed=0).tolist()
        [[0, 0, 1, 1]]
    """
    with threadpool_limits(1):
        rows = zip(points, digests, strict=True)
        return np.array([_label(p, count, _entropy(seed, name, image)) for p, image in rows])


def _place(maps: np.ndarray, entropy: Entropy, stride: int) -> tuple[np.ndarray, int]:
    start = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    points = embed(normalise(maps), start)
    return points, best_count(Clusterer(points[inliers(points)], entropy), stride)


def _label(points: np.ndarray, count: int, entropy: Entropy) -> np.ndarray:
    inside = inliers(points)
    labels = np.full(len(points), OUTLIER, np.int32)
    clusterer = Clusterer(points[inside], entropy)
    labels[inside] = clusterer.labels(min(count, int(inside.sum())))
    return labels


def _entropy(seed: int, name: str, image: int) -> Entropy:
    """Return what seeds a layer on an image, whatever else is scored."""
    return seed, digest([name]), image
