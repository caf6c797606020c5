"""Photographs with a label each that stay in their files until they are needed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.data import augmentation, fingerprints, photographs
from tfprune.data.encoded import Encoded
from tfprune.data.sources._source import Read, Source

RANDOM_CROP = "random_resized_crop_flip"


@dataclass(frozen=True, eq=False)
class Pictures(Source):
    """Encoded images, decoded in parallel; those that cannot be are left out of the batches.

    Args:
        encoded: where the bytes and the labels come from.
        size: (H, W) of the batches' images.
        as_it_is: whether the images have that size already; else they are resized and cropped.
    """

    encoded: Encoded = field(repr=False)
    size: tuple[int, int]
    as_it_is: bool = False

    channels: ClassVar[int] = 3
    damaged: ClassVar[bool] = True
    drawn: ClassVar[Collection[str]] = (RANDOM_CROP,)
    whole: ClassVar[Collection[str]] = augmentation.AUGMENTATIONS

    def __len__(self) -> int:
        return len(self.encoded.labels)

    def labels_at(self, places: np.ndarray) -> np.ndarray:
        """Return the classes, int64 [N], also of images that turn out to be damaged."""
        return self.encoded.labels[places]

    def fingerprint(self, places: np.ndarray) -> str:
        """Return the fingerprint, as far as `tfprune.data.fingerprints` looks into files."""
        return fingerprints.of_encoded(self.encoded, places)

    def name(self, place: int) -> str:
        """Return the image's path, or its name and that of the file it lies in."""
        return self.encoded.name(place)

    def reader(self, augment: str) -> Read:
        """Return a function that reads and decodes an image, perhaps a random part of it."""
        encoded, size = self.encoded, self.size
        with tf.device("CPU"), tf.init_scope():  # the pipeline runs there, also beside a GPU
            labels = tf.constant(encoded.labels)

        # One trace serves every epoch.
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int64)])
        def read(place: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            content = encoded.content(place)
            if augment == RANDOM_CROP:
                image = photographs.random_resized_crop_flip(content, size, key)
            elif self.as_it_is:
                image = photographs.as_it_is(content, size)
            else:
                image = photographs.centre(content, size)
            return image, tf.gather(labels, place)

        return read
