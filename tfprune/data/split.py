"""Samples that are used for one purpose: training, validation or test."""

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.data.epochs import Epochs
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics, imagenet_statistics
from tfprune.tasks import Task

_LOG = logging.getLogger(__name__)


class EpochOptions(TypedDict, total=False):
    """What `Split.epochs` takes beside the batch size; it says what each is for."""

    shuffle: bool
    augment: str
    normalisation: str | None
    seed: int
    drop_remainder: bool
    limit: int | None


@dataclass(frozen=True, eq=False)
class Split:
    """Some of a source's images with labels.

    Images that cannot be decoded are left out of the batches. `skipped` names those that were
    met so far, and each is logged once as a warning.

    Args:
        source: where the samples come from: `Arrays`, `Pictures` or `Masks` of
            `tfprune.data.sources`.
        places: of this split's samples in the source, int64 [N]; None: all of them.
        statistics: of the training split, whichever split this is, for the normalisation.
        normalisation: the name that is used when `batches` gets none.
        task: what the labels are for.

    Raises:
        PruningError: labels of another form than the task's.

    Example:
        >>> from tfprune.data.sources import Arrays
        >>> images, labels = np.zeros((5, 8, 8, 3), np.uint8), np.arange(5) % 2
        >>> len(Split(Arrays(images, labels), places=np.array([0, 3])))
        2
    """

    source: Source = field(repr=False)
    places: np.ndarray | None = field(repr=False, default=None)
    statistics: Statistics = field(repr=False, default_factory=imagenet_statistics)
    normalisation: str = "channel"
    task: Task = field(repr=False, default_factory=tasks.find)
    _skipped: dict[str, None] = field(repr=False, init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.source.require_labels(self.task)
        if self.places is None:
            object.__setattr__(self, "places", np.arange(len(self.source)))

    def __len__(self) -> int:
        return len(self.places)

    @functools.cached_property
    def images(self) -> np.ndarray:
        """The images as they are in memory, [N, H, W, C]; a source in files has none."""
        return self.source.images[self.places]

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """The labels, int64 [N] for classes, also of images that turn out to be damaged."""
        return self.source.labels_at(self.places)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these samples from others: 16 characters; see `tfprune.data.fingerprints`."""
        return self.source.fingerprint(self.places)

    @property
    def skipped(self) -> tuple[str, ...]:
        """The names of the images that could not be decoded, as far as they were met."""
        return tuple(sorted(self._skipped))

    def skip(self, places: Iterable[int]) -> None:
        """Remember that the images at these places of the source cannot be decoded."""
        self.skip_named(map(self.source.name, places))

    def skip_named(self, names: Iterable[str]) -> None:
        """Remember that the images of these names cannot be decoded."""
        for name in names:
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
        limit: int | None = None,
    ) -> Epochs:
        """Return the batches of all epochs, for training: `.epoch(e)` is one of them.

        Args:
            batch_size: images in a batch, at least 1; the last one of an epoch may be smaller.
            shuffle: whether every epoch has an order of its own, over all images.
            augment: "none", "crop", "crop_flip" or "shift_flip"; of images in files also
                "random_resized_crop_flip"; of masks in files "none" or "scale_crop_flip". Labels
                of pixels move with their images.
            normalisation: "none", "scale", "channel", "imagenet" or, of images in memory, whose
                mean image is known, "pixel"; None: the data set's own.
            seed: of the orders and the augmentation.
            drop_remainder: leave out a last batch that is not full.
            limit: take no more than the first images of each epoch's order; None: all.

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
        return Epochs(self, batch_size, shuffle, augment, name, seed, drop_remainder, limit)

    def batches(
        self, batch_size: int, *, epoch: int = 0, **settings: Unpack[EpochOptions]
    ) -> tf.data.Dataset:
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
