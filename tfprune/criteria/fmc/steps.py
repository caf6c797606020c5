"""The steps 0 to 2 of FP-FMC over all layers and images, each resumable."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from tfprune import quiet
from tfprune.criteria.fmc.cache import Cache
from tfprune.criteria.fmc.images import Images, label, place
from tfprune.criteria.fmc.redundancy import redundancy
from tfprune.criteria.fmc.silhouette import most_frequent
from tfprune.distribution import workers
from tfprune.distribution.arrays import from_bytes, to_bytes
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.activated import activated
from tfprune.passes.feature_maps import feature_maps

PORTION = 4  # images that one process does at a time, and that it loses when a run is stopped

Progress = Callable[[int, int, float], Any]


@dataclass(frozen=True)
class Steps:
    """What the steps work on.

    Args:
        graph: channel graph of the model.
        names: the layers.
        images: the images.
        cache: what was found before, and is to be kept.
        seed: seed of everything random.
        stride: step between the numbers of clusters that are tried.
        workers: processes.
        progress: told (images done, of how many, seconds left) during step 0.
        user: what scores, for error messages.
    """

    graph: ChannelGraph
    names: Sequence[str]
    images: Images
    cache: Cache
    seed: int
    stride: int
    workers: int
    progress: Progress | None
    user: str

    def indices(self, index: str) -> dict[str, np.ndarray]:
        """Return the redundancy index of each layer's filters, {layer: int64 [C]}."""
        keys = {name: f"step2_index/{index}/{name}.npy" for name in self.names}
        found = {name: self.cache.read(key) for name, key in keys.items()}
        missing = [name for name, value in found.items() if value is None]
        for name, labels in self._labels(missing):
            found[name] = redundancy(labels, index)
            self.cache.write(keys[name], found[name])
        return found

    def _labels(self, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Yield (layer, labels [S, C])."""
        keys = {name: f"step1_labels/{name}.npy" for name in names}
        found = {name: self.cache.read(key) for name, key in keys.items()}
        missing = [name for name, value in found.items() if value is None]
        if missing:
            tasks = self._labelling(missing, self._placed())
            for name, labels in zip(missing, self._results(tasks), strict=True):
                self.cache.write(keys[name], labels)
                found[name] = labels
        yield from found.items()

    def _labelling(self, names: Sequence[str], placed: Sequence[dict]) -> Iterator[Any]:
        """Yield the call that labels each layer's filters with its most frequent count."""
        for name in names:
            number = self.names.index(name)
            points = np.stack([image[f"points{number}"] for image in placed])
            counts = np.stack([image[f"counts{number}"] for image in placed])
            self.cache.write(f"step0_K/{name}.npy", counts)
            call = joblib.delayed(label)
            yield call(points, most_frequent(counts), name, self.images.digests, self.seed)

    def _placed(self) -> list[dict[str, np.ndarray]]:
        """Return each image's points and numbers of clusters, of every layer."""
        keys = [f"step0_K/image_{digest:032x}.npz" for digest in self.images.digests]
        placed = [self.cache.read(key) for key in keys]
        done = sum(image is not None for image in placed)
        begun = self._seconds_left(len(placed) - done)
        own = _cut([number for number in self.images.own if placed[number] is None], PORTION)
        for found in self._heard(zip(own, self._results(self._placing(own)), strict=True)):
            for number, image in found.items():
                placed[number] = image
                self.cache.write(keys[number], image)
            done += len(found)
            left = next(begun)
            if self.progress:
                self.progress(done, len(placed), left)
        return placed

    def _seconds_left(self, missing: int) -> Iterator[float]:
        """Yield the seconds left after each round of portions, one of each worker."""
        start = time.monotonic()
        for number in itertools.count():
            # The portions that were begun together end at about the same time.
            rounds = number + self.workers - number % self.workers
            begun = min(missing, rounds * PORTION * workers.count())
            yield (time.monotonic() - start) / begun * (missing - begun)

    def _placing(self, parts: Sequence[Sequence[int]]) -> Iterator[Any]:
        """Yield the call for each portion of this worker's images."""
        # One by one: the last bits of a map may depend on the size of its batch, and t-SNE
        # turns a difference in the last bit into other points.
        singles = [(self.images.own[number],) for part in parts for number in part]
        sites = activated(self.graph, self.names)
        maps = feature_maps(self.graph, sites, singles, self.user, alone=True)
        for part in parts:
            own = [{name: value[0] for name, value in next(maps).items()} for _ in part]
            digests = [self.images.digests[i] for i in part]
            yield joblib.delayed(place)(own, digests, self.seed, self.stride)

    def _heard(self, own: Iterator[tuple[Sequence[int], list[dict]]]) -> Iterator[dict[int, dict]]:
        """Yield what all workers have made of a portion each, {number: arrays}, until none is left.

        Args:
            own: (numbers of a portion's images, what `place` made of them) of this worker.
        """
        while True:
            texts = workers.gathered(lambda: self._packed(*next(own, ((), ()))))
            found = [self._unpacked(text) for text in texts]
            if not any(found):
                return
            yield {number: image for portion in found for number, image in portion.items()}

    def _results(self, calls: Iterator[Any]) -> Iterator[Any]:
        """Yield the results of calls in their order, each as soon as it is there."""
        options = {"max_nbytes": None, "return_as": "generator", "initializer": quiet.start}
        with joblib.Parallel(self.workers, **options) as parallel:
            # A call for each process at a time: joblib would make later ones in a thread.
            while some := list(itertools.islice(calls, self.workers)):
                yield from parallel(some)

    def _packed(self, numbers: Sequence[int], found: Sequence[dict]) -> bytes:
        """Return the points and numbers of clusters of several images as bytes."""
        pairs = [pair for image in found for pair in map(image.get, self.names)]
        return to_bytes([np.array(numbers, int), *(np.asarray(x) for pair in pairs for x in pair)])

    def _unpacked(self, text: bytes) -> dict[int, dict[str, np.ndarray]]:
        """Return what `_packed` was given, by image and numbered by layer."""
        numbers, *arrays = from_bytes(text)
        names = [f"{what}{i}" for i in range(len(self.names)) for what in ("points", "counts")]
        images = _cut(arrays, len(names))
        return {
            number: dict(zip(names, image, strict=True))
            for number, image in zip(numbers.tolist(), images, strict=True)
        }


def _cut(sequence: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [sequence[start : start + size] for start in range(0, len(sequence), size)]
