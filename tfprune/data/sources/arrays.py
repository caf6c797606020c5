"""Images with labels in main memory."""

import functools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.data import augmentation, fingerprints
from tfprune.data.sources._source import Read, Source
from tfprune.errors import PruningError
from tfprune.tasks import Task


@dataclass(frozen=True, eq=False)
class Arrays(Source):
    """Arrays of images and labels.

    Args:
        images: [N, H, W, C], uint8 or float.
        labels: whatever form the task's labels have, e.g. classes int64 [N], or with a class
            per pixel [N, H, W].

    Example:
        >>> source = Arrays(np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1]))
        >>> len(source), source.channels
        (2, 3)
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)

    whole_batches: ClassVar[bool] = True
    whole: ClassVar[Collection[str]] = augmentation.AUGMENTATIONS

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.labels.shape[:1] != self.images.shape[:1]:
            raise PruningError(
                "A split needs images [N, H, W, C] and one label per image [N, ...], received "
                f"images {self.images.shape} and labels {self.labels.shape}."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """C of the images."""
        return self.images.shape[-1]

    def labels_at(self, places: np.ndarray) -> np.ndarray:
        """Return some labels."""
        return self.labels[places]

    def fingerprint(self, places: np.ndarray) -> str:
        """Return the fingerprint of every number of some images and their labels."""
        return fingerprints.of_arrays(self.images[places], self.labels[places])

    def name(self, place: int) -> str:
        """Return the place in the arrays."""
        return f"image {place}"

    def require_labels(self, task: Task) -> None:
        """Refuse labels that a task has no use for."""
        task.require_labels(self.labels, self.images.shape)

    def reader(self, augment: str) -> Read:
        """Return a function that gathers a batch; nothing is drawn."""
        images, labels = self._tensors
        shape = images.shape[1:]

        # One trace serves every epoch, whatever the size of the last batch. Where workers share the
        # data TensorFlow makes nodes of the arguments' names, and warns of one called `_`.
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([2], tf.int64)]
        )
        def read(places: tf.Tensor, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = tf.ensure_shape(tf.gather(images, places), [None, *shape])
            return batch, tf.gather(labels, places)

        return read

    @functools.cached_property
    def _tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The images and labels as tensors, made once, for all splits of these arrays."""
        with tf.device("CPU"), tf.init_scope():  # the pipeline runs there, also beside a GPU
            return tf.constant(self.images), tf.constant(self.labels)
