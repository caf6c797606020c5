"""A split of photographs with masks, which stay in their files until they are needed."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfprune.data.batching import Batched
from tfprune.data.mask_epochs import MaskEpochs
from tfprune.data.statistics import Statistics, imagenet_statistics
from tfprune.data.voc_layout import Pair


@dataclass(frozen=True, eq=False)
class MaskSplit(Batched):
    """Photographs with masks, used for one purpose; offers what `Split` offers, without its arrays.

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

    def _epochs(self, *settings: Any) -> MaskEpochs:
        return MaskEpochs(self, *settings)
