"""FP-FMC, steps 0 to 2: what 128 images of ResNet-56 take.

`python -m benchmarks.scoring fmc` measures a few images in one process and computes the rest from
them; `python -m benchmarks.scoring.fmc --full [--cache_dir=FOLDER]` runs it all on all cores, and
goes on where it was stopped if it has a folder. t-SNE takes nearly all the time, 1,000 steps for
every image and layer whatever the maps: weights and images are random here.
"""

import argparse
from collections.abc import Sequence

import keras
import numpy as np

import models
import tfprune
from benchmarks.scoring._clock import Seconds, machine, taken
from tfprune.criteria.fmc.redundancy import redundancy

NETWORK, IMAGES, MINUTES, CORES = "resnet56_a", 128, 20, 2
SUBSET = 4


def main() -> None:
    """Measure a few images in this process, and print what all would take."""
    graph = _graph()
    placing, _ = taken(lambda: tfprune.score(graph, "fmc", _images(SUBSET), workers=1))
    pairing, _ = taken(lambda: _pair(graph))
    print(table(len(graph.producers), placing, pairing))


def table(layers: int, placing: Seconds, pairing: Seconds) -> str:
    """Return what was measured, and what follows for all images.

    Args:
        layers: layers of the network.
        placing: seconds for steps 0 to 2 of a few images.
        pairing: seconds for step 2 of all images, whose pairs grow with their square.
    """
    total = placing[1] * IMAGES / SUBSET + pairing[1]
    return "\n".join(
        [
            f"{NETWORK}, {layers} layers, one process, {machine()}",
            f"{SUBSET} images, steps 0 to 2   {placing[0]:8.1f} s{placing[1]:8.1f} s of processor",
            f"{IMAGES} images, step 2 alone  {pairing[0]:8.1f} s{pairing[1]:8.1f} s of processor",
            f"{IMAGES} images, extrapolated, not measured: {total:.0f} s of processor, "
            f"{total / CORES / 60:.1f} min on {CORES} quiet cores; at most {MINUTES} are asked for",
        ]
    )


def full(cache_dir: str | None, workers: int | None) -> None:
    """Score all images on all cores, and print the progress and what it took.

    Args:
        cache_dir: where the steps are kept.
        workers: processes; by default one per core.
    """
    graph = _graph()
    options = {"cache_dir": cache_dir, "workers": workers, "progress": _report}
    (clock, cpu), scores = taken(lambda: tfprune.score(graph, "fmc", _images(IMAGES), **options))
    print(f"{len(scores)} layers, {IMAGES} images: {clock:.0f} s on the clock, {cpu:.0f} s of "
          "processor in this process alone")  # fmt: skip


def _graph() -> tfprune.ChannelGraph:
    keras.utils.set_random_seed(0)
    model = models.build(NETWORK, num_classes=10, input_shape=(32, 32, 3))
    return tfprune.analyse(model)


def _images(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 32, 32, 3)).astype("float32")


def _pair(graph: tfprune.ChannelGraph) -> None:
    rng = np.random.default_rng(0)
    for name in graph.producers:
        channels = graph.channels(name)
        redundancy(rng.integers(-1, max(2, channels // 4), (IMAGES, channels)))


def _report(done: int, total: int, left: float) -> None:
    print(f"{done:4} of {total} images, {left:.0f} s left", flush=True)


def _run(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all images on all cores")
    parser.add_argument("--cache_dir", help="folder where the steps are kept (with --full)")
    parser.add_argument("--workers", type=int, help="processes (with --full)")
    given = parser.parse_args(arguments)
    if not given.full and (given.cache_dir or given.workers):
        parser.error("--cache_dir and --workers have no effect without --full; add it.")
    if given.full:
        full(given.cache_dir, given.workers)
    else:
        main()


if __name__ == "__main__":
    _run()
