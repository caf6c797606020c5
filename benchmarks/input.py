"""Measure the input pipelines alone, the one of CIFAR beside the training step that it feeds.

Example: python -m benchmarks.input --rounds=5

What the pictures show does not change the time. CIFAR's are noise in memory; the JPEGs are
smooth, 500x375 as ImageNet's are on average, in class folders and in the files that TensorFlow
Datasets prepares. Each pipeline is read by several numbers of threads.
"""

import functools
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
from benchmarks import prepared_imagenet
from benchmarks.measuring import Timing, interleaved, stopwatch
from tfprune.data import Arrays, Split
from tfprune.data.sources.pictures import RANDOM_CROP
from tfprune.data.statistics import measure
from tfprune.training import Recipe
from tfprune.training.run import Run
from tfprune.training.steps import nothing

FLAGS = flags.FLAGS
STEP = "ResNet-20 training step"
LARGE_STEP = "ResNet-50 training step"
_CLASSES, _JPEG_SIZE = 2, (500, 375)
_LARGE_BATCH = 8  # of ResNet-50's step, for which a processor takes seconds


def define_flags() -> None:
    """Define the flags."""
    flags.DEFINE_integer("rounds", 5, "How often each task is measured.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 128, "Images per batch.", lower_bound=1)
    flags.DEFINE_integer("steps", 5, "Training steps per round.", lower_bound=1)
    flags.DEFINE_integer("images", 12_800, "CIFAR images per round.", lower_bound=1)
    flags.DEFINE_integer("jpegs", 256, "JPEG files; of the prepared ones as many.", lower_bound=20)
    flags.DEFINE_list("readers", ["1", "2"], "Numbers of threads that read.")


def main(argv: Sequence[str]) -> None:
    """Measure and report one table."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        photographs = write_jpegs(Path(folder) / "folders", FLAGS.jpegs).train
        prepared = write_prepared(Path(folder) / "prepared", FLAGS.jpegs)
        tasks = {
            STEP: training("resnet20", (32, 32, 3), FLAGS.batch_size, FLAGS.steps),
            LARGE_STEP: training("resnet50", (224, 224, 3), _LARGE_BATCH, 1),
        }
        for readers in map(int, FLAGS.readers):
            read = functools.partial(jpegs, batch_size=FLAGS.batch_size, readers=readers)
            tasks |= {
                f"CIFAR, crop_flip, {readers}": cifar(
                    FLAGS.images, FLAGS.batch_size, "crop_flip", readers
                ),
                f"folders, centre 224, {readers}": read(photographs, augment="none"),
                f"folders, random crop, {readers}": read(photographs, augment=RANDOM_CROP),
                f"TFDS, centre 224, {readers}": read(prepared, augment="none"),
                f"TFDS, random crop, {readers}": read(prepared, augment=RANDOM_CROP),
            }
        timers = {name: stopwatch(task) for name, (_, task) in tasks.items()}
        times = interleaved(timers, FLAGS.rounds, warm_up=1)
    table = text({name: (tasks[name][0], timing) for name, timing in times.items()})
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    where = f"{platform.machine()}, {os.cpu_count()} cores, load {load}"
    logging.info("%s, batches of %d\n%s", where, FLAGS.batch_size, table)


def training(
    network: str, shape: tuple[int, int, int], batch_size: int, steps: int
) -> tuple[int, Callable[[], None]]:
    """Return how many images some training steps on one ready batch take, and the task."""
    model = models.build(network, num_classes=10, input_shape=shape)
    run = Run(model, Recipe(epochs=1), None)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch_size, *shape)).astype("float32")
    ready = images, rng.integers(0, 10, batch_size)
    batches = iter(tf.data.Dataset.from_tensors(ready).cache().repeat())

    def task() -> None:
        sums = nothing(run.objective)
        for _ in range(steps):
            sums, _ = run.train_step(batches, sums, False)
        sums.numpy()  # waits for the last step

    return steps * batch_size, task


def cifar(
    images: int, batch_size: int, augment: str, readers: int
) -> tuple[int, Callable[[], None]]:
    """Return how many images an epoch has, and the task that reads epoch after epoch."""
    split = _cifar_split(images)
    epochs = split.epochs(batch_size, shuffle=True, augment=augment)
    return images, _reading(epochs, readers)


def jpegs(
    split: Split, batch_size: int, augment: str, readers: int
) -> tuple[int, Callable[[], None]]:
    """Return how many images an epoch has, and the task that reads epoch after epoch."""
    epochs = split.epochs(batch_size, shuffle=True, augment=augment)
    return len(split), _reading(epochs, readers)


def write_jpegs(folder: Path, count: int) -> tfprune.data.DataSet:
    """Write different JPEGs into class folders and load them as a data set."""
    for i in range(count):
        path = folder / f"class_{i % _CLASSES}" / f"{i:05d}.jpg"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(_jpeg(i))
    return tfprune.data.load("folder", data_dir=folder, validation_size=0)


def write_prepared(folder: Path, count: int) -> Split:
    """Write JPEGs as TensorFlow Datasets does and return some of them."""
    pictures = [_jpeg(i) for i in range(min(count, 100))]
    prepared_imagenet.write(
        folder, lambda split, i: pictures[i % len(pictures)], {"train": 1, "validation": 1}
    )
    data = tfprune.data.load("imagenet", data_dir=folder, validation_size=0)
    return Split(data.test.source, data.test.places[:count])


def _jpeg(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype="uint8")
    stream = io.BytesIO()
    image = Image.fromarray(pixels).resize(_JPEG_SIZE, Image.Resampling.BICUBIC)
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _cifar_split(count: int) -> Split:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 10, count)
    return Split(Arrays(images, labels), statistics=measure(images, 255))


def _reading(epochs: tfprune.data.Epochs, readers: int) -> Callable[[], None]:
    numbers, options = itertools.count(), tf.data.Options()
    options.threading.private_threadpool_size = readers

    def task() -> None:
        for _ in epochs.epoch(next(numbers)).with_options(options):
            pass

    return task


def text(results: Mapping[str, tuple[int, Timing]]) -> str:
    """Return a line per task: images per second, and how many times those of a training step.

    What reads CIFAR's is compared with ResNet-20's step, what reads photographs with ResNet-50's.
    """
    rates = {name: (count / t.median, count / t.least) for name, (count, t) in results.items()}
    lines = [f"{'':24}{'images/s':>10}{'best':>10}{'/ step':>10}"]
    for name, (median, best) in rates.items():
        step = STEP if name == STEP or name.startswith("CIFAR") else LARGE_STEP
        lines.append(f"{name:24}{median:10.0f}{best:10.0f}{median / rates[step][0]:10.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    commandline.run(main, define_flags)
