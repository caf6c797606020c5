"""The similarity graph: seconds for a whole VGG-16, and beside hashing again for every pair.

The original hashes both maps of every pair of filters and every image anew, with SciPy's
transform. Some pairs of that are timed, and the rest computed from them.
"""

from itertools import combinations

import numpy as np
from scipy.fft import dct

import models
import tfprune
from benchmarks.scoring._clock import Seconds, machine, taken
from tfprune.criteria.similarity import agreements, hashes

NETWORK, IMAGES, SECONDS = "vgg16", 50, 10
FILTERS, SIZE, TIMES = 64, 32, 200
PAIRS = 20  # of the 2016 of a layer of 64 filters
ROUNDS = 3


def main() -> None:
    """Measure and print both."""
    print(machine())
    print(
        f"{NETWORK}, {IMAGES} images, score and select: {_text(network())}; at most {SECONDS} s "
        "are allowed"
    )
    ours, naive = layer()
    times = [b / a for a, b in zip(ours, naive, strict=True)]
    print(f"layer of {FILTERS} filters, {SIZE}x{SIZE} maps of {IMAGES} images: {_text(ours)}")
    print(
        f"hashed again for every pair, extrapolated from {PAIRS} pairs: {_text(naive)}: "
        f"{times[0]:.0f} times as long, {times[1]:.0f} of processors; at least {TIMES} are demanded"
    )


def _text(seconds: Seconds) -> str:
    return f"{seconds[0]:.3g} s ({seconds[1]:.3g} s of processors)"


def network() -> Seconds:
    """Return what scoring and selecting take the first time, TensorFlow's tracing included."""
    graph = tfprune.analyse(models.build(NETWORK))
    images = np.random.default_rng(0).normal(size=(IMAGES, 32, 32, 3)).astype("float32")

    def task() -> None:
        tfprune.select(graph, tfprune.score(graph, "similarity", images), threshold=0.7)

    return taken(task)[0]


def layer() -> tuple[Seconds, Seconds]:
    """Return what a layer's similarities take from its maps, and what the naive way would.

    Raises:
        RuntimeError: the two differ.
    """
    maps = np.random.default_rng(0).normal(size=(IMAGES, SIZE, SIZE, FILTERS)).astype("float32")
    pairs = list(combinations(range(FILTERS), 2))
    chosen = pairs[:: len(pairs) // PAIRS][:PAIRS]
    ours = [taken(lambda: _similarities(maps)) for _ in range(ROUNDS)]
    naive = [taken(lambda: [pair(maps, a, b) for a, b in chosen]) for _ in range(ROUNDS)]
    for (a, b), value in zip(chosen, naive[0][1], strict=True):
        if ours[0][1][a, b] != value:
            raise RuntimeError(f"Filters {a} and {b}: {ours[0][1][a, b]} is not {value}.")
    scale = len(pairs) / PAIRS
    return (
        tuple(min(column) for column in zip(*(seconds for seconds, _ in ours), strict=True)),
        tuple(scale * min(column) for column in zip(*(s for s, _ in naive), strict=True)),
    )


def _similarities(maps: np.ndarray) -> np.ndarray:
    bits = hashes(np.float64(maps))
    return agreements(bits) / len(bits)


def pair(maps: np.ndarray, a: int, b: int) -> float:
    """Return the similarity of two filters, both hashed for every image [N, H, W, C]."""
    equal = [np.mean(_bits(image[..., a]) == _bits(image[..., b])) for image in maps]
    return float(np.mean(equal))


def _bits(plane: np.ndarray) -> np.ndarray:
    low = dct(dct(np.float64(plane), axis=0), axis=1)[:8, :8]
    return low >= low.mean()


if __name__ == "__main__":
    main()
