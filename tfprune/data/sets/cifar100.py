"""CIFAR-100: 60,000 photographs of 32x32 pixels in 100 classes (Krizhevsky 2009)."""

import os

from tfprune.data.dataset import DataSet
from tfprune.data.sets import _cifar

LAYOUT = _cifar.Layout(
    name="cifar100",
    folder="cifar-100-python",
    train={"train": 50_000},
    test={"test": 10_000},
    meta="meta",
    label_key=b"fine_labels",
    names_key=b"fine_label_names",
)


def load(data_dir: str | os.PathLike | None, seed: int, validation_size: int | None) -> DataSet:
    """Load CIFAR-100 with its 100 fine classes; see `tfprune.data.load`."""
    return _cifar.load(LAYOUT, data_dir, seed, validation_size)
