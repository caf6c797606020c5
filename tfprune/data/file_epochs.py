"""From files to batches: order, decoding, augmentation and normalisation of one epoch."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfprune.data import augmentation, normalisation, photographs
from tfprune.data.batching import Counted
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics
from tfprune.errors import unknown

RANDOM_CROP = "random_resized_crop_flip"


class _Images(Protocol):
    """What is needed of a split."""

    source: Source
    places: np.ndarray
    size: tuple[int, int]
    as_it_is: bool
    statistics: Statistics

    def skip(self, places: Iterable[int]) -> None: ...


@dataclass(frozen=True, eq=False)
class FileEpochs(Counted):
    """The batches of every epoch of a training, each a pure function of (seed, epoch).

    Images are decoded in parallel; those that cannot be are left out and told to the split, so
    an epoch may have fewer batches than `len` says. `FileSplit.epochs` makes it.

    Args:
        split: the images.
        batch_size: images in a batch, at least 1; the last batch of an epoch may be smaller.
        shuffle: whether every epoch has an order of its own.
        augment: name of an augmentation, or "random_resized_crop_flip".
        normalisation: name of a normalisation: "none", "scale", "channel" or "imagenet".
        seed: of the orders and the augmentation.
        drop_remainder: leave out a last batch that is not full.
    """

    split: _Images
    batch_size: int
    shuffle: bool
    augment: str
    normalisation: str
    seed: int
    drop_remainder: bool

    def __post_init__(self) -> None:
        known = [*augmentation.AUGMENTATIONS, RANDOM_CROP]
        if self.augment not in known:
            raise unknown("augmentation", self.augment, known)
        normalisation.require_no_mean_image(self.normalisation, "'channel', 'scale' or 'none'")
        self._require_batches()

    @property
    def _count(self) -> int:
        return len(self.split.places)

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`, from 0: (float32 [B, H, W, 3], labels [B])."""
        order = self._ordered(self.split.places, index)
        # Made outside of the traces below, which would own the tensors they keep otherwise.
        read, finish = self._read, self._finish
        of_image, of_batch = tf.unstack(tf.constant(self._keys(index, 2), tf.int64))

        def picture(turn: tf.Tensor, place: tf.Tensor) -> tuple:
            return turn, *read(place, tf.stack([of_image, turn]))

        def batch(turn: tf.Tensor, parts: tuple) -> tuple:
            return finish(parts[0], tf.stack([of_batch, turn])), parts[1]

        parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
        images = tf.data.Dataset.from_tensor_slices(order).enumerate().map(picture, **parallel)
        batches = self._without_damaged(images, order).batch(
            self.batch_size, drop_remainder=self.drop_remainder
        )
        return batches.enumerate().map(batch, **parallel).prefetch(2)

    def _without_damaged(self, images: tf.data.Dataset, order: np.ndarray) -> tf.data.Dataset:
        """Leave out elements that raise, and tell the split which turns are missing."""

        def tell(last: np.int64, turn: np.int64) -> np.int64:
            self.split.skip(order[last + 1 : turn])
            return turn

        def compare(last: tf.Tensor, element: tuple) -> tuple:
            turn = element[0]
            turn = tf.cond(  # Python only has to run where something is missing
                turn > last + 1,
                lambda: tf.ensure_shape(tf.numpy_function(tell, [last, turn], tf.int64), []),
                lambda: turn,
            )
            return turn, (turn, *element[1:])

        # One more element behind the last: else nobody would miss what lies before the end.
        end = [tf.zeros(spec.shape, spec.dtype) for spec in images.element_spec[1:]]
        count = tf.constant(len(order), tf.int64)
        found = images.ignore_errors().concatenate(tf.data.Dataset.from_tensors((count, *end)))
        told = found.scan(tf.constant(-1, tf.int64), compare)
        return told.filter(lambda turn, *_: turn < count).map(
            lambda _, image, label: (image, label)
        )

    @functools.cached_property
    def _read(self) -> tf.types.experimental.PolymorphicFunction:
        source, size = self.split.source, self.split.size
        with tf.device("CPU"):  # the input pipeline runs there, also beside a GPU
            labels = tf.constant(source.labels)

        # One trace serves every epoch.
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int64)])
        def read(place: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            content = source.content(place)
            if self.augment == RANDOM_CROP:
                image = photographs.random_resized_crop_flip(content, size, key)
            elif self.split.as_it_is:
                image = photographs.as_it_is(content, size)
            else:
                image = photographs.centre(content, size)
            return image, tf.gather(labels, place)

        return read

    @functools.cached_property
    def _finish(self) -> tf.types.experimental.PolymorphicFunction:
        augment = augmentation.find("none" if self.augment == RANDOM_CROP else self.augment)
        normalise = normalisation.find(self.normalisation)

        @tf.function
        def finish(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            return normalise(augment(images, key), self.split.statistics)

        return finish
