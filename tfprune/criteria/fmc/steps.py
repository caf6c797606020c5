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
            place = self.names.index(name)
            points = np.concatenate([part[f"points{place}"] for part in placed])
            counts = np.concatenate([part[f"counts{place}"] for part in placed])
            self.cache.write(f"step0_K/{name}.npy", counts)
            call = joblib.delayed(label)
            yield call(points, most_frequent(counts), name, self.images.digests, self.seed)

    def _placed(self) -> list[dict[str, np.ndarray]]:
        """Return each portion's points and numbers of clusters, of every layer on every image."""
        placed = {part: self.cache.read(_key(part)) for part in self._portions()}
        missing = [part for part, found in placed.items() if found is None]
        start, done = time.monotonic(), len(self.images) - sum(map(len, missing))
        results = self._results(self._placing(missing))
        for number, (part, found) in enumerate(zip(missing, results, strict=True)):
            placed[part] = self._packed(found)
            self.cache.write(_key(part), placed[part])
            done += len(part)
            if self.progress:
                # The portions that were begun together end at about the same time.
                end = number + self.workers - number % self.workers
                begun, rest = (sum(map(len, parts)) for parts in (missing[:end], missing[end:]))
                left = (time.monotonic() - start) / begun * rest
                self.progress(done, len(self.images), left)
        return list(placed.values())

    def _placing(self, parts: Sequence[range]) -> Iterator[Any]:
        """Yield the call for each portion of images."""
        # One by one: the last bits of a map may depend on the size of its batch, and t-SNE
        # turns a difference in the last bit into other points.
        singles = [(self.images.inputs[i],) for part in parts for i in part]
        maps = feature_maps(self.graph, activated(self.graph, self.names), singles, self.user)
        for part in parts:
            own = [{name: value[0] for name, value in next(maps).items()} for _ in part]
            digests = [self.images.digests[i] for i in part]
            yield joblib.delayed(place)(own, digests, self.seed, self.stride)

    def _results(self, calls: Iterator[Any]) -> Iterator[Any]:
        """Yield the results of calls in their order, each as soon as it is there."""
        options = {"max_nbytes": None, "return_as": "generator", "initializer": quiet.start}
        with joblib.Parallel(self.workers, **options) as parallel:
            # A call for each process at a time: joblib would make later ones in a thread.
            while some := list(itertools.islice(calls, self.workers)):
                yield from parallel(some)

    def _packed(self, found: Sequence[dict]) -> dict[str, np.ndarray]:
        """Return the results of several images as arrays, numbered by layer."""
        packed = {}
        for i, name in enumerate(self.names):
            points, counts = zip(*(image[name] for image in found), strict=True)
            packed |= {f"points{i}": np.stack(points), f"counts{i}": np.array(counts)}
        return packed

    def _portions(self) -> list[range]:
        return list(_cut(range(len(self.images)), PORTION))


def _cut(sequence: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(sequence), size):
        yield sequence[start : start + size]


def _key(part: range) -> str:
    return f"step0_K/images_{part.start:05d}.npz"
