"""A split of photographs with masks, which stay in their files until they are needed."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf

from tfprune.data.mask_epochs import MaskEpochs
from tfprune.data.statistics import Statistics, imagenet_statistics
from tfprune.data.voc_layout import Pair


@dataclass(frozen=True, eq=False)
class MaskSplit:
    """Photographs with masks, used for one purpose; offers what `Split` offers but its arrays.

    A picture is scaled into the upper left of `size`, its mask into that of `mask_size`: figures
    are of the image's own size where the latter is that of the largest image.

    Args:
        pairs: the photographs and masks.
        size: (H, W) of the batches' pictures.
        scale: what the height and the width of a picture are multiplied by.
        mask_size: (H, W) of the batches' masks, where nothing is augmented.
        mask_scale: as `scale`, of the masks.
        statistics: for the normalisation.
        normalisation: the name that is used when `batches` gets none.
    """

    pairs: Sequence[Pair] = field(repr=False)
    size: tuple[int, int]
    scale: tuple[float, float]
    mask_size: tuple[int, int]
    mask_scale: tuple[float, float]
    statistics: Statistics = field(repr=False, default_factory=imagenet_statistics)
    normalisation: str = "imagenet"

    def __len__(self) -> int:
        return len(self.pairs)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these images and masks from others: 16 characters, of all their bytes."""
        found = hashlib.blake2b(digest_size=8)
        found.update(repr((self.size, self.scale, self.mask_size, self.mask_scale)).encode())
        for pair in self.pairs:
            for path in map(Path, (pair.image, pair.mask)):
                found.update(path.name.encode(errors="surrogateescape") + b"\0")
                found.update(path.read_bytes())
        return found.hexdigest()

    def epochs(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: str = "none",
        normalisation: str | None = None,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> MaskEpochs:
        """Return the batches of all epochs, for training: `.epoch(e)` is one of them.

        Args:
            batch_size: images in a batch, at least 1.
            shuffle: whether every epoch has an order of its own, over all images.
            augment: "none" or "scale_crop_flip".
            normalisation: "none", "scale", "channel" or "imagenet"; None: the data set's own.
            seed: of the orders and the augmentation.
            drop_remainder: leave out a last batch that is not full.

        Raises:
            PruningError: an unknown name, "pixel" (there is no mean image), or no batch results.
        """
        name = self.normalisation if normalisation is None else normalisation
        return MaskEpochs(self, batch_size, shuffle, augment, name, seed, drop_remainder)

    def batches(self, batch_size: int, *, epoch: int = 0, **settings: object) -> tf.data.Dataset:
        """Return the batches of one epoch: (float32 [B, H, W, 3], class numbers int64 [B, H, W]).

        Args:
            batch_size: images in a batch, at least 1; the last one may be smaller.
            epoch: which epoch's order and augmentation, from 0.
            **settings: as for `epochs`.

        Raises:
            PruningError: as `epochs`.
        """
        return self.epochs(batch_size, **settings).epoch(epoch)
