"""GFI-AP: class sums and the process's peak against `memory_gb`, and the time of its pass.

One convolution has more class sums than most budgets here, so it is done in slices of its
channels, each a pass over the data. A batch has class sums of its own, as large as those of all
images where it holds every class. The peak holds TensorFlow's buffers for a batch too, its maps
among them.
"""

from collections.abc import Iterator

import keras
import numpy as np

import models
import tfprune
from benchmarks.measuring import peak_memory
from benchmarks.scoring._clock import Seconds, machine, taken
from tfprune.criteria._class_sums import BYTES, GIGABYTE, groups

CLASSES, SIZE, FILTERS = 1000, 32, 64  # 0.52 GB of class sums
BUDGETS = (0.03, 0.1, 0.25, 1.0)
BATCH_SIZES = (50, 1000)  # the second: as many classes as a batch holds
NETWORK, IMAGES = "resnet20_gfi", 1000

Batches = list[tuple[np.ndarray, np.ndarray]]


def main() -> None:
    """Measure and print a line for each budget, and the pass through a network."""
    print(machine())
    print(f"{FILTERS} filters, {SIZE}x{SIZE} maps, {CLASSES} classes, {CLASSES} images")
    print("batch  memory_gb  passes  sums GB  peak GB  ms/image/pass  of processors")
    for size in BATCH_SIZES:
        for line in budgets(_layer(), list(_batches(CLASSES, CLASSES, size))):
            print(line)
    graph = tfprune.analyse(models.build(NETWORK))
    data = list(_batches(IMAGES, 10, BATCH_SIZES[0]))
    tasks = {"scoring": lambda: tfprune.score(graph, "gfi", data),
             "forward": lambda: [graph.model.predict_on_batch(x) for x, _ in data]}  # fmt: skip
    for name, task in tasks.items():
        task()
        clock, cpu = (1e3 * value / IMAGES for value in taken(task)[0])
        print(f"{NETWORK}, {name}: {clock:.2f} ms/image, {cpu:.2f} of processors")


def budgets(model: keras.Model, data: Batches) -> Iterator[str]:
    """Yield a line for each budget.

    Args:
        model: with one convolution.
        data: images of every class, the batches of one size and of different classes.
    """
    size = len(data[0][1])
    at_once = CLASSES + min(CLASSES, size)
    graph = tfprune.analyse(model)
    few = [(x, np.zeros(len(x), int)) for x, _ in data[:2]]
    tfprune.score(graph, "gfi", few, classes=1)  # what TensorFlow takes once is no part of it
    for budget in BUDGETS:
        parts = groups({"conv": (SIZE, SIZE, FILTERS)}, at_once, budget * GIGABYTE)
        most = max(part["conv"].stop - part["conv"].start for part in parts)
        sums = BYTES * at_once * SIZE * SIZE * most / GIGABYTE
        peak, seconds = peak_memory(lambda budget=budget: _scored(graph, data, budget))
        clock, cpu = (1e3 * value / CLASSES / len(parts) for value in seconds)
        yield (f"{size:5}{budget:11g}{len(parts):8}{sums:9.3f}{peak / GIGABYTE:9.3f}{clock:15.2f}"
               f"{cpu:15.2f}")  # fmt: skip


def _scored(graph: tfprune.ChannelGraph, data: Batches, budget: float) -> Seconds:
    return taken(lambda: tfprune.score(graph, "gfi", data, memory_gb=budget))[0]


def _layer() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(FILTERS, 3, padding="same", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(CLASSES, name="head")(x))


def _batches(count: int, classes: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    for start in range(0, count, size):
        images = rng.standard_normal((size, SIZE, SIZE, 3), np.float32)
        yield images, np.arange(start, start + size) % classes


if __name__ == "__main__":
    main()
