"""CIFAR-10: 60,000 photographs of 32x32 pixels in 10 classes (Krizhevsky 2009)."""

import os

from tfprune.data.dataset import DataSet
from tfprune.data.sets import _cifar

LAYOUT = _cifar.Layout(
    name="cifar10",
    folder="cifar-10-batches-py",
    train={f"data_batch_{number}": 10_000 for number in range(1, 6)},
    test={"test_batch": 10_000},
    meta="batches.meta",
    label_key=b"labels",
    names_key=b"label_names",
)


def load(data_dir: str | os.PathLike | None, seed: int, validation_size: int | None) -> DataSet:
    """Load CIFAR-10; see `tfprune.data.load`."""
    return _cifar.load(LAYOUT, data_dir, seed, validation_size)
