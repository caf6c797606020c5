"""The images that filters are clustered on, and what is done for each of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from tfprune.criteria.fmc.embedding import embed, normalise
from tfprune.criteria.fmc.kmeans import Clusterer
from tfprune.criteria.fmc.outliers import inliers
from tfprune.criteria.fmc.redundancy import OUTLIER
from tfprune.criteria.fmc.silhouette import best_count
from tfprune.distribution import workers
from tfprune.passes.parts import Parts, samples

Entropy = tuple[int, ...]


@dataclass(frozen=True)
class Images:
    """Single images in the order of their digests, so that the order they come in is nothing.

    Args:
        own: a model's inputs of one image each, batches of one, by the image's place in that
            order: those that fall to this worker.
        digests: what tells all of them apart, for seeds and for the cache.
    """

    own: Mapping[int, Any]
    digests: Sequence[int]

    def __len__(self) -> int:
        return len(self.digests)


def collect(parts: Iterable[tuple[Any]]) -> Images:
    """Return images in the order of their digests, which all workers hear, each with a share.

    Args:
        parts: (inputs,) of one image each. Of `Parts` a worker reads its share alone.

    Raises:
        PruningError: what cannot be read, on all workers.

    Example:
        >>> import numpy as np
        >>> first, second = (np.zeros((1, 2)),), (np.ones((1, 2)),)
        >>> collect([first, second]).digests == collect([second, first]).digests
        True
    """
    here, read = workers.number(), []

    def own() -> bytes:
        share = _share(parts, here, workers.count())
        read.extend((digest(keras.tree.flatten(inputs)), inputs) for (inputs,) in share)
        return json.dumps([number for number, _ in read]).encode()

    told = enumerate(map(json.loads, workers.gathered(own)))
    every = sorted((number, worker, i) for worker, own in told for i, number in enumerate(own))
    if isinstance(parts, Parts):
        parts.end(len(every))
    mine = {place: read[i][1] for place, (_, worker, i) in enumerate(every) if worker == here}
    return Images(mine, [number for number, *_ in every])


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


def _share(parts: Iterable[tuple[Any]], number: int, of: int) -> Iterable[tuple[Any]]:
    """Return every `of`-th part; of `Parts` no other is read."""
    if isinstance(parts, Parts):
        mine = range(number, parts.count, of)
        return (part for part in (parts.some(mine) if mine else ()) if samples(part))
    return islice(parts, number, None, of)


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
