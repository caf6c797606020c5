"""What every split offers, and how every epoch counts, orders and seeds its batches."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.checks import check_seed, check_whole
from tfprune.errors import PruningError


class Batched:
    """A split: images with labels that are asked for in batches.

    A subclass has a `normalisation`, and `_epochs(batch_size, shuffle, augment, normalisation,
    seed, drop_remainder)`, which makes what `epochs` returns.
    """

    normalisation: str

    def epochs(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: str = "none",
        normalisation: str | None = None,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> Any:
        """Return the batches of all epochs, for training: `.epoch(e)` is one of them.

        Args:
            batch_size: images in a batch, at least 1.
            shuffle: whether every epoch has an order of its own, over all images.
            augment: "none", "crop", "crop_flip" or "shift_flip"; of images in files also
                "random_resized_crop_flip"; with masks "none" or "scale_crop_flip".
            normalisation: "none", "scale", "channel", "imagenet" or, of images in memory, whose
                mean image is known, "pixel"; None: the data set's own.
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
        return self._epochs(batch_size, shuffle, augment, name, seed, drop_remainder)

    def batches(self, batch_size: int, *, epoch: int = 0, **settings: object) -> tf.data.Dataset:
        """Return the batches of one epoch: (images float32 [B, H, W, C], labels int64).

        Labels are classes [B], or with masks the classes of all pixels [B, H, W]. Iterating twice
        gives the same batches twice, with the same augmentation; to train for several epochs, use
        `epochs`.

        Args:
            batch_size: images in a batch, at least 1; the last one may be smaller.
            epoch: which epoch's order and augmentation, from 0.
            **settings: as for `epochs`.

        Raises:
            PruningError: as `epochs`.

        Example:
            >>> import tfprune.data
            >>> batches = tfprune.data.load("digits").test.batches(100)
            >>> len(batches)
            4
        """
        return self.epochs(batch_size, **settings).epoch(epoch)

    def _epochs(self, *settings: Any) -> Any:
        raise NotImplementedError


class Counted:
    """Epochs of so many images each, every one a pure function of (seed, epoch).

    A subclass has the settings of `Batched.epochs` and a `_count` of images.
    """

    batch_size: int
    shuffle: bool
    seed: int
    drop_remainder: bool
    _count: int

    def __len__(self) -> int:
        """Return the batches in an epoch, when no image has to be skipped."""
        full, rest = divmod(self._count, self.batch_size)
        return full if self.drop_remainder else full + (rest > 0)

    def _require_batches(self) -> None:
        """Refuse a batch size, a seed or a number of images that makes no batch."""
        check_whole("batch_size", self.batch_size)
        check_seed("seed", self.seed)
        if len(self) == 0:
            raise PruningError(
                f"No batches: {self._count} images make no batch of {self.batch_size}. "
                "Use a smaller batch_size, or drop_remainder=False with a split that has images."
            )

    def _ordered(self, places: np.ndarray, epoch: int) -> np.ndarray:
        """Return the places of the images in the order of an epoch."""
        order = places.copy()
        if self.shuffle:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        return order

    def _keys(self, epoch: int, count: int) -> np.ndarray:
        """Return random words of an epoch, uint32 [count], of which augmentation makes seeds."""
        return np.random.SeedSequence([self.seed, epoch, 1]).generate_state(count)

    def _numbered(self, epoch: int, count: int) -> np.ndarray:
        """Return the seeds of the first `count` images or batches of an epoch, int64 [count, 2]."""
        (key,) = self._keys(epoch, 1)
        return np.stack([np.full(count, key, np.int64), np.arange(count)], axis=1)
