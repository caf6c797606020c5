"""Photographs with a class per pixel that stay in their files until they are needed."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.data import photographs, scaling
from tfprune.data.sources._source import Read, Source
from tfprune.data.voc_layout import Pair

SCALE_CROP = "scale_crop_flip"


@dataclass(frozen=True, eq=False)
class Masks(Source):
    """Pairs of a photograph and its mask.

    A picture is scaled into the upper left of `size`, its mask into that of `mask_size`: figures
    are of the image's own size where the latter is that of the largest image.

    Args:
        pairs: the photographs and masks.
        size: (H, W) of the batches' pictures.
        scale: what the height and the width of a picture are multiplied by.
        mask_size: (H, W) of the batches' masks, where nothing is augmented.
        mask_scale: as `scale`, of the masks.
    """

    pairs: Sequence[Pair] = field(repr=False)
    size: tuple[int, int]
    scale: tuple[float, float]
    mask_size: tuple[int, int]
    mask_scale: tuple[float, float]

    channels: ClassVar[int] = 3
    drawn: ClassVar[Collection[str]] = (SCALE_CROP,)
    whole: ClassVar[Collection[str]] = ("none",)
    kind: ClassVar[str] = "augmentation of masks"
    normalisations: ClassVar[str] = "'imagenet', 'scale' or 'none'"

    def __len__(self) -> int:
        return len(self.pairs)

    def labels_at(self, places: np.ndarray) -> np.ndarray:
        """Return the masks as the batches have them, int64 [N, H, W], without augmentation."""
        read, nothing = self.reader("none"), tf.zeros(2, tf.int64)
        return np.stack([read(tf.constant(place), nothing)[1].numpy() for place in places])

    def mask(self, place: int) -> np.ndarray:
        """Return a mask of its own size: uint8 [H, W], 255 for void."""
        return tf.io.decode_png(self.pairs[place].labels, channels=1)[..., 0].numpy()

    def fingerprint(self, places: np.ndarray) -> str:
        """Return the fingerprint of all bytes of some pictures and masks, and of their scaling."""
        found = hashlib.blake2b(digest_size=8)
        found.update(repr((self.size, self.scale, self.mask_size, self.mask_scale)).encode())
        for place in places:
            for path in map(Path, (self.pairs[place].image, self.pairs[place].mask)):
                found.update(path.name.encode(errors="surrogateescape") + b"\0")
                found.update(path.read_bytes())
        return found.hexdigest()

    def name(self, place: int) -> str:
        """Return the photograph's path."""
        return self.pairs[place].image

    def reader(self, augment: str) -> Read:
        """Return a function that reads a picture and its mask, perhaps moved together."""
        with tf.device("CPU"), tf.init_scope():  # the pipeline runs there, also beside a GPU
            paths = tf.constant([os.fsencode(pair.image) for pair in self.pairs])
            labels = tf.constant([pair.labels for pair in self.pairs])

        # One trace serves every epoch.
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int64)])
        def read(place: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            picture = photographs.decode(tf.io.read_file(tf.gather(paths, place)))
            mask = tf.io.decode_png(tf.gather(labels, place), channels=1)[..., 0]
            if augment == SCALE_CROP:
                return scaling.scale_crop_flip(picture, mask, self.size, key, self.scale)
            return (
                scaling.fitted(picture, self.size, self.scale),
                scaling.fitted_mask(mask, self.mask_size, self.mask_scale),
            )

        return read
