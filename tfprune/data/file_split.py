"""A split whose images stay in their files until they are needed."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfprune.data.file_epochs import FileEpochs
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics

_LOG = logging.getLogger(__name__)
# Of ImageNet's training images; torchvision's weights expect them.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def imagenet_statistics() -> Statistics:
    """Return the mean and deviation of ImageNet's channels; its mean image is not defined.

    Example:
        >>> imagenet_statistics().mean.shape
        (3,)
    """
    mean, std = (np.array(values, np.float32) for values in (_MEAN, _STD))
    return Statistics(255.0, np.full((1, 1, 3), np.nan, np.float32), mean, std)


@dataclass(frozen=True, eq=False)
class FileSplit:
    """Images in files, used for one purpose; offers what `Split` offers, without its arrays.

    Images that cannot be decoded are left out of the batches. `skipped` names those that were
    met so far, and each is logged once as a warning.

    Args:
        source: where the encoded images come from.
        places: of this split's images in the source, int64 [N].
        size: (H, W) of the batches' images.
        as_it_is: whether the images have that size already.
        statistics: for the normalisation.
        normalisation: the name that is used when `batches` gets none.
    """

    source: Source = field(repr=False)
    places: np.ndarray = field(repr=False)
    size: tuple[int, int]
    as_it_is: bool
    statistics: Statistics = field(repr=False, default_factory=imagenet_statistics)
    normalisation: str = "channel"
    _skipped: dict[str, None] = field(repr=False, init=False, default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def labels(self) -> np.ndarray:
        """The classes, int64 [N], also of images that turn out to be damaged."""
        return self.source.labels[self.places]

    @property
    def skipped(self) -> tuple[str, ...]:
        """The names of the images that could not be decoded, as far as they were met."""
        return tuple(sorted(self._skipped))

    def skip(self, places: Iterable[int]) -> None:
        """Remember that the images at these places of the source cannot be decoded."""
        for place in places:
            name = self.source.name(place)
            if name not in self._skipped:
                self._skipped[name] = None
                _LOG.warning("Skipped: %s is no image that can be decoded to its end.", name)

    def epochs(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: str = "none",
        normalisation: str | None = None,
        seed: int = 0,
        drop_remainder: bool = False,
    ) -> FileEpochs:
        """Return the batches of all epochs, for training: `.epoch(e)` is one of them.

        Args:
            batch_size: images in a batch, at least 1.
            shuffle: whether every epoch has an order of its own, over all images.
            augment: "random_resized_crop_flip", or as for `Split`.
            normalisation: "none", "scale" or "channel"; None: the data set's own.
            seed: of the orders and the augmentation.
            drop_remainder: leave out a last batch that is not full.

        Raises:
            PruningError: an unknown name, "pixel" (there is no mean image), or no batch results.
        """
        name = self.normalisation if normalisation is None else normalisation
        return FileEpochs(self, batch_size, shuffle, augment, name, seed, drop_remainder)

    def batches(self, batch_size: int, *, epoch: int = 0, **settings: object) -> tf.data.Dataset:
        """Return the batches of one epoch: (images float32 [B, H, W, 3], labels int64 [B]).

        Args:
            batch_size: images in a batch, at least 1; the last one may be smaller.
            epoch: which epoch's order and augmentation, from 0.
            **settings: as for `epochs`.

        Raises:
            PruningError: as `epochs`.
        """
        return self.epochs(batch_size, **settings).epoch(epoch)
