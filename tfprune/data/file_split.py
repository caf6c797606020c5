"""A split whose images stay in their files until they are needed."""

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfprune.data import fingerprints
from tfprune.data.batching import Batched
from tfprune.data.file_epochs import FileEpochs
from tfprune.data.sources import Source
from tfprune.data.statistics import Statistics, imagenet_statistics

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FileSplit(Batched):
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

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these images from others, as far as `tfprune.data.fingerprints` looks."""
        return fingerprints.of_source(self.source, self.places)

    def skip(self, places: Iterable[int]) -> None:
        """Remember that the images at these places of the source cannot be decoded."""
        for place in places:
            name = self.source.name(place)
            if name not in self._skipped:
                self._skipped[name] = None
                _LOG.warning("Skipped: %s is no image that can be decoded to its end.", name)

    def _epochs(self, *settings: Any) -> FileEpochs:
        return FileEpochs(self, *settings)
