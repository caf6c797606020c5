"""From arrays to batches: order, augmentation and normalisation of one epoch."""

import functools
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfprune.data import augmentation, normalisation
from tfprune.data.batching import Counted
from tfprune.data.statistics import Statistics


@dataclass(frozen=True, eq=False)
class Epochs(Counted):
    """The batches of every epoch of a training, each a pure function of (seed, epoch).

    So a training that is resumed at epoch e sees the pictures that an uninterrupted one sees.
    `Split.epochs` makes it; `tfprune.fine_tune` takes it as `data`.

    Args:
        tensors: the images [N, H, W, C] and labels [N].
        statistics: of the training images.
        batch_size: images in a batch, at least 1; the last batch of an epoch may be smaller.
        shuffle: whether every epoch has an order of its own.
        augment: name of an augmentation: "none", "crop", "crop_flip" or "shift_flip".
        normalisation: name of a normalisation: "none", "scale", "channel", "imagenet" or "pixel".
        seed: of the orders and the augmentation.
        drop_remainder: leave out a last batch that is not full.
    """

    tensors: tuple[tf.Tensor, tf.Tensor] = field(repr=False)
    statistics: Statistics = field(repr=False)
    batch_size: int
    shuffle: bool
    augment: str
    normalisation: str
    seed: int
    drop_remainder: bool

    def __post_init__(self) -> None:
        augmentation.find(self.augment)
        normalisation.find(self.normalisation, self.tensors[0].shape[-1])
        self._require_batches()

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`, from 0: (float32 [B, H, W, C], labels [B])."""
        order, keys = self._ordered(np.arange(self._count), index), self._numbered(index, len(self))
        places = tf.data.Dataset.from_tensor_slices(order).batch(
            self.batch_size, drop_remainder=self.drop_remainder
        )
        batches = tf.data.Dataset.zip(places, tf.data.Dataset.from_tensor_slices(keys))
        return batches.map(
            self._prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        ).prefetch(2)

    @property
    def _count(self) -> int:
        return int(self.tensors[0].shape[0])

    @functools.cached_property
    def _prepare(self) -> tf.types.experimental.PolymorphicFunction:
        augment = augmentation.find(self.augment)
        normalise = normalisation.find(self.normalisation)
        images, labels = self.tensors
        shape = images.shape[1:]

        # One trace serves every epoch, whatever the size of the last batch.
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([2], tf.int64)]
        )
        def prepare(places: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = tf.ensure_shape(tf.gather(images, places), [None, *shape])
            if self.normalisation == "pixel":
                # The mean image belongs to pictures that have not moved (both papers' order);
                # with the other normalisations the padding is black, as in torchvision.
                batch = augment(normalise(batch, self.statistics), key)
            else:
                batch = normalise(augment(batch, key), self.statistics)
            return batch, tf.gather(labels, places)

        return prepare
