"""Time and memory of a reconstruction, beside the forward passes and the algebra in it.

python -m benchmarks.reconstruction --network=ResNet50 --images=256 --memory_gb=3

Half of each layer's units go at random; weights and images are random. The floor is the time of the
forward passes of both models over all images, plus the floating-point operations of the least
squares at the speed of this machine's own matrix product. All of it is processor time, of all
threads together: what else the machine does counts little.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import keras
import numpy as np

import tfprune
from benchmarks.measuring import peak_memory, stopwatch
from tfprune.reconstruction import LayerFit
from tfprune.reconstruction.normal_equations import RIDGES

_FEW = 16
ROUNDS = 4  # how often a layer behind a ReLU is solved again


def pruned(
    network: str, size: int
) -> tuple[tfprune.ChannelGraph, dict[str, np.ndarray], keras.Model]:
    """Return a network's graph, keep masks of half of each layer, and what they leave."""
    keras.utils.set_random_seed(0)
    shape = (size, size, 3)
    graph = tfprune.analyse(getattr(keras.applications, network)(weights=None, input_shape=shape))
    scores = tfprune.score(graph, "random", None, seed=0)
    keep = tfprune.select(graph, scores, ratio=0.5)
    return graph, keep, tfprune.rebuild(graph, keep)


def forward(model: keras.Model, images: np.ndarray) -> float:
    """Return the processor seconds of a forward pass over all images, few at a time.

    A call outside of a graph holds the maps of all layers at once.
    """
    model(images[:2], training=False)  # what is set up once is not the pass

    def run() -> None:
        for start in range(0, len(images), _FEW):
            model(images[start : start + _FEW], training=False)

    return stopwatch(run, time.process_time)()


def matrix_speed(side: int = 2048) -> float:
    """Return the floating-point operations per processor second of float64 matrices."""
    a = np.random.default_rng(0).normal(size=(side, side))
    product = stopwatch(lambda: a @ a, time.process_time)
    return 2 * side**3 / min(product() for _ in range(3))


def operations(fit: LayerFit) -> float:
    """Return the floating-point operations that a layer's least squares needs.

    The sums X'X (half of it: it is symmetric) and X'Y; one factorisation per ridge and one for the
    weights; and for what a ReLU hides, outputs and X'Y anew each round.
    """
    if not fit.shape:
        return 0.0
    groups, width, outputs = fit.shape
    sums = fit.rows * width * (width + 2 * outputs)
    solving = (width**3 / 3 + 2 * width**2 * outputs) * (len(RIDGES) + 1 + ROUNDS)
    return float(groups * (sums + solving + ROUNDS * 4 * fit.rows * width * outputs))


def measure(network: str, size: int, count: int, memory_gb: float) -> dict[str, float]:
    """Return a reconstruction's seconds and GB, and what they are made of."""
    graph, keep, small = pruned(network, size)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(count, size, size, 3)).astype("float32")
    passes = forward(graph.model, images) + forward(small, images)
    speed = matrix_speed()
    start = time.process_time()
    memory, (_, found) = peak_memory(
        lambda: tfprune.reconstruct(graph, keep, small, images, memory_gb=memory_gb)
    )
    seconds = time.process_time() - start
    algebra = sum(map(operations, found.layers)) / speed
    return {
        "seconds": seconds,
        "peak GB": memory / 1e9,
        "forward passes of both, seconds": passes,
        "algebra, seconds": algebra,
        "matrix product, GFLOP/s": speed / 1e9,
        "(seconds - algebra) / forward passes": (seconds - algebra) / passes,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure once and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="ResNet50", help="of keras.applications")
    parser.add_argument("--size", type=int, default=224, help="of the images, in pixels")
    parser.add_argument("--images", type=int, default=256, help="how many")
    parser.add_argument("--memory_gb", type=float, default=3.0)
    given = parser.parse_args(argv)
    for name, value in measure(given.network, given.size, given.images, given.memory_gb).items():
        sys.stdout.write(f"{name}: {value:.3g}\n")


if __name__ == "__main__":
    main()
