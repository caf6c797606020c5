"""A data set: three fixed splits of images with labels."""

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.data import fingerprints
from tfprune.data.batching import Batched
from tfprune.data.pipeline import Epochs
from tfprune.data.statistics import Statistics
from tfprune.errors import PruningError
from tfprune.tasks import Task


@dataclass(frozen=True, eq=False)
class Split(Batched):
    """Images with labels that are used for one purpose: training, validation or test.

    Args:
        images: [N, H, W, C], uint8 or float.
        labels: the classes, int64 [N].
        statistics: of the training split, whichever split this is.
        normalisation: the name that is used when `batches` gets none.
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    statistics: Statistics = field(repr=False)
    normalisation: str = "channel"

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.labels.shape != self.images.shape[:1]:
            raise PruningError(
                "A split needs images [N, H, W, C] and one label per image [N], received images "
                f"{self.images.shape} and labels {self.labels.shape}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def _epochs(self, *settings: Any) -> Epochs:
        return Epochs(self.tensors, self.statistics, *settings)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these images and labels from others: 16 characters, of every number."""
        return fingerprints.of_arrays(self.images, self.labels)

    @functools.cached_property
    def tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The images and labels as tensors in main memory, made once."""
        with tf.device("CPU"):  # the input pipeline runs there, also beside a GPU
            return tf.constant(self.images), tf.constant(self.labels)


@dataclass(frozen=True, eq=False)
class DataSet:
    """A named data set with fixed splits.

    Args:
        name: what `tfprune.data.load` calls it.
        num_classes: how many classes there are.
        input_shape: (H, W, C).
        class_names: one per class, in the labels' order.
        train: for fitting weights and measuring statistics.
        validation: for choosing an epoch; None when all of it went into training.
        test: for the final figure only.
        augment: the augmentation that suits the images, for `train.epochs`.
        task: what the labels are for; a model of this data is trained and judged by it.
        colours: of each class's pixels in a picture of a mask, (red, green, blue) in 0..255;
            None: the labels are no masks.
    """

    name: str
    num_classes: int
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...] = field(repr=False)
    train: Split
    validation: Split | None
    test: Split
    augment: str = "none"
    task: Task = field(repr=False, default_factory=tasks.find)
    colours: tuple[tuple[int, int, int], ...] | None = field(repr=False, default=None)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells this data, in these splits, from other data: 16 characters.

        Of images in memory it covers every pixel and label, of images in files every label, every
        file's name and size, and the contents of some: see `tfprune.data.fingerprints`.
        """
        splits = (self.train, self.validation, self.test)
        own = [split.fingerprint if split is not None else "none" for split in splits]
        return fingerprints.of_fingerprints(self.name, *self.class_names, *own)
