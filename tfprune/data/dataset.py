"""A data set: three fixed splits of images with labels."""

import functools
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.data import fingerprints
from tfprune.data.pipeline import Epochs
from tfprune.data.statistics import Statistics
from tfprune.errors import PruningError
from tfprune.tasks import Task


@dataclass(frozen=True, eq=False)
class Split:
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

    def epochs(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: str = "none",
        normalisation: str | None = None,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> Epochs:
        """Return the batches of all epochs, for training: `.epoch(e)` is one of them.

        Args:
            batch_size: images in a batch, at least 1.
            shuffle: whether every epoch has an order of its own.
            augment: "none", "crop", "crop_flip" or "shift_flip".
            normalisation: "none", "scale", "channel", "imagenet" or "pixel"; None: the data set's
                own.
            seed: of the orders and the augmentation.
            drop_remainder: leave out a last batch that is not full.

        Raises:
            PruningError: an unknown name, or no batch results.

        Example:
            >>> import tfprune.data
            >>> train = tfprune.data.load("digits").train
            >>> data = train.epochs(128, shuffle=True, augment="crop", seed=1)
            >>> images, labels = next(iter(data.epoch(0)))
            >>> images.shape
            TensorShape([128, 8, 8, 1])
        """
        name = self.normalisation if normalisation is None else normalisation
        return Epochs(
            self.tensors, self.statistics, batch_size, shuffle, augment, name, seed, drop_remainder
        )

    def batches(self, batch_size: int, *, epoch: int = 0, **settings: object) -> tf.data.Dataset:
        """Return the batches of one epoch: (images float32 [B, H, W, C], labels int64 [B]).

        Iterating twice gives the same batches twice, with the same augmentation; to train for
        several epochs, use `epochs`.

        Args:
            batch_size: images in a batch, at least 1; the last one may be smaller.
            epoch: which epoch's order and augmentation, from 0.
            **settings: as for `epochs`.

        Raises:
            PruningError: an unknown name, or no batch results.

        Example:
            >>> import tfprune.data
            >>> batches = tfprune.data.load("digits").test.batches(100)
            >>> len(batches)
            4
        """
        return self.epochs(batch_size, **settings).epoch(epoch)

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
