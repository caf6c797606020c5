"""Measure the input pipelines alone, the one of CIFAR beside the training step that it feeds.

Example: python -m benchmarks.input --rounds=5

What the pictures show does not change the time. CIFAR's are noise in memory; the JPEGs are
smooth, 500x375 as ImageNet's are on average, in a temporary folder.
"""

import io
import itertools
import os
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import numpy as np
import tensorflow as tf
from absl import flags, logging
from PIL import Image

import models
import tfprune.data
from benchmarks.measuring import Timing, interleaved, stopwatch
from tfprune.data import Arrays, Split
from tfprune.data.statistics import measure
from tfprune.training import Recipe
from tfprune.training.run import Run
from tfprune.training.steps import nothing

FLAGS = flags.FLAGS
STEP = "ResNet-20 training step"
_CLASSES, _JPEG_SIZE = 2, (500, 375)


def define_flags() -> None:
    """Define the flags."""
    flags.DEFINE_integer("rounds", 5, "How often each task is measured.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 128, "Images per batch.", lower_bound=1)
    flags.DEFINE_integer("steps", 5, "Training steps per round.", lower_bound=1)
    flags.DEFINE_integer("images", 12_800, "CIFAR images per round.", lower_bound=1)
    flags.DEFINE_integer("jpegs", 256, "JPEG files, all read in each round.", lower_bound=20)


def main(argv: Sequence[str]) -> None:
    """Measure and report one table."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        photographs = write_jpegs(Path(folder), FLAGS.jpegs)
        tasks = {
            STEP: training(FLAGS.batch_size, FLAGS.steps),
            "CIFAR, as it is": cifar(FLAGS.images, FLAGS.batch_size, "none"),
            "CIFAR, crop_flip": cifar(FLAGS.images, FLAGS.batch_size, "crop_flip"),
            "JPEG, centre 224": jpegs(photographs, FLAGS.batch_size, "none"),
            "JPEG, random crop 224": jpegs(
                photographs, FLAGS.batch_size, "random_resized_crop_flip"
            ),
        }
        timers = {name: stopwatch(task) for name, (_, task) in tasks.items()}
        times = interleaved(timers, FLAGS.rounds, warm_up=1)
    table = text({name: (tasks[name][0], timing) for name, timing in times.items()})
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    where = f"{platform.machine()}, {os.cpu_count()} cores, load {load}"
    logging.info("%s, batches of %d\n%s", where, FLAGS.batch_size, table)


def training(batch_size: int, steps: int) -> tuple[int, Callable[[], None]]:
    """Return how many images some training steps on one ready batch take, and the task."""
    model = models.build("resnet20", num_classes=10, input_shape=(32, 32, 3))
    run = Run(model, Recipe(epochs=1), None)
    ready = next(iter(_cifar_split(batch_size).batches(batch_size)))
    batches = iter(tf.data.Dataset.from_tensors(ready).cache().repeat())

    def task() -> None:
        sums = nothing(run.objective)
        for _ in range(steps):
            sums, _ = run.train_step(batches, sums, False)
        sums.numpy()  # waits for the last step

    return steps * batch_size, task


def cifar(images: int, batch_size: int, augment: str) -> tuple[int, Callable[[], None]]:
    """Return how many images an epoch has, and the task that reads epoch after epoch."""
    split = _cifar_split(images)
    return images, _reading(split.epochs(batch_size, shuffle=True, augment=augment))


def jpegs(
    data: tfprune.data.DataSet, batch_size: int, augment: str
) -> tuple[int, Callable[[], None]]:
    """Return how many images an epoch has, and the task that reads epoch after epoch."""
    epochs = data.train.epochs(batch_size, shuffle=True, augment=augment)
    return len(data.train), _reading(epochs)


def write_jpegs(folder: Path, count: int) -> tfprune.data.DataSet:
    """Write different JPEGs into class folders and load them as a data set."""
    rng = np.random.default_rng(0)
    for i in range(count):
        pixels = rng.integers(0, 256, (30, 40, 3), dtype="uint8")
        stream = io.BytesIO()
        Image.fromarray(pixels).resize(_JPEG_SIZE, Image.Resampling.BICUBIC).save(
            stream, "JPEG", quality=95
        )
        path = folder / f"class_{i % _CLASSES}" / f"{i:05d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(stream.getvalue())
    return tfprune.data.load("folder", data_dir=folder, validation_size=0)


def _cifar_split(count: int) -> Split:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 10, count)
    return Split(Arrays(images, labels), statistics=measure(images, 255))


def _reading(epochs: tfprune.data.Epochs) -> Callable[[], None]:
    numbers = itertools.count()

    def task() -> None:
        for _ in epochs.epoch(next(numbers)):
            pass

    return task


def text(results: Mapping[str, tuple[int, Timing]]) -> str:
    """Return a line per task: images per second, and how many times those of a training step."""
    rates = {name: (count / t.median, count / t.least) for name, (count, t) in results.items()}
    lines = [f"{'':24}{'images/s':>10}{'best':>10}{'/ step':>10}"]
    for name, (median, best) in rates.items():
        lines.append(f"{name:24}{median:10.0f}{best:10.0f}{median / rates[STEP][0]:10.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    commandline.run(main, define_flags)
