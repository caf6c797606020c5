"""From arrays to batches: order, augmentation and normalisation of one epoch."""

import functools
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfprune.checks import check_seed, check_whole
from tfprune.data import augmentation, normalisation
from tfprune.data.statistics import Statistics
from tfprune.errors import PruningError


@dataclass(frozen=True, eq=False)
class Epochs:
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
        check_whole("batch_size", self.batch_size)
        check_seed("seed", self.seed)
        if len(self) == 0:
            raise PruningError(
                f"No batches: {self._count} images make no batch of {self.batch_size}. "
                "Use a smaller batch_size, or drop_remainder=False with a split that has images."
            )

    def __len__(self) -> int:
        """Return the batches in an epoch."""
        full, rest = divmod(self._count, self.batch_size)
        return full if self.drop_remainder else full + (rest > 0)

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`, from 0: (float32 [B, H, W, C], labels [B])."""
        order = np.arange(self._count)
        if self.shuffle:
            np.random.default_rng([self.seed, index]).shuffle(order)
        key = np.random.SeedSequence([self.seed, index, 1]).generate_state(1)[0]
        keys = np.stack([np.full(len(self), key, np.int64), np.arange(len(self))], axis=1)
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
