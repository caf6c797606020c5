"""From photographs and masks in files to batches: order, scaling and normalisation of an epoch."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfprune.data import normalisation, photographs, scaling
from tfprune.data.batching import Counted
from tfprune.data.statistics import Statistics
from tfprune.data.voc_layout import Pair
from tfprune.errors import unknown

AUGMENTATIONS = ("none", "scale_crop_flip")


class _Pairs(Protocol):
    """What is needed of a split."""

    pairs: Sequence[Pair]
    size: tuple[int, int]
    scale: tuple[float, float]
    mask_size: tuple[int, int]
    mask_scale: tuple[float, float]
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class MaskEpochs(Counted):
    """The batches of every epoch of a training, each a pure function of (seed, epoch).

    `MaskSplit.epochs` makes it.

    Args:
        split: the photographs and masks.
        batch_size: images in a batch, at least 1; the last batch of an epoch may be smaller.
        shuffle: whether every epoch has an order of its own.
        augment: "none" or "scale_crop_flip".
        normalisation: "none", "scale", "channel" or "imagenet".
        seed: of the orders and the augmentation.
        drop_remainder: leave out a last batch that is not full.
    """

    split: _Pairs
    batch_size: int
    shuffle: bool
    augment: str
    normalisation: str
    seed: int
    drop_remainder: bool

    def __post_init__(self) -> None:
        if self.augment not in AUGMENTATIONS:
            raise unknown("augmentation of masks", self.augment, AUGMENTATIONS)
        normalisation.require_no_mean_image(self.normalisation, "'imagenet', 'scale' or 'none'")
        self._require_batches()

    @property
    def _count(self) -> int:
        return len(self.split.pairs)

    def epoch(self, index: int) -> tf.data.Dataset:
        """Return the batches of epoch `index`: (float32 [B, H, W, 3], class numbers [B, H, W])."""
        order = self._ordered(np.arange(self._count), index)
        places = tf.data.Dataset.from_tensor_slices((order, self._numbered(index, self._count)))
        normalise, statistics = normalisation.find(self.normalisation), self.split.statistics
        parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
        images = places.map(self._read, **parallel)
        batches = images.batch(self.batch_size, drop_remainder=self.drop_remainder)
        return batches.map(lambda x, y: (normalise(x, statistics), y), **parallel).prefetch(2)

    @functools.cached_property
    def _read(self) -> tf.types.experimental.PolymorphicFunction:
        split = self.split
        with tf.device("CPU"):  # the input pipeline runs there, also beside a GPU
            paths = tf.constant([os.fsencode(pair.image) for pair in split.pairs])
            labels = tf.constant([pair.labels for pair in split.pairs])

        # One trace serves every epoch.
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int64)])
        def read(place: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            picture = photographs.decode(tf.io.read_file(tf.gather(paths, place)))
            mask = tf.io.decode_png(tf.gather(labels, place), channels=1)[..., 0]
            if self.augment == "scale_crop_flip":
                return scaling.scale_crop_flip(picture, mask, split.size, key, split.scale)
            return (
                scaling.fitted(picture, split.size, split.scale),
                scaling.fitted_mask(mask, split.mask_size, split.mask_scale),
            )

        return read
