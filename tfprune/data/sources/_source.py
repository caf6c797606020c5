"""What every source of samples offers."""

from collections.abc import Callable, Collection
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.tasks import Task

Read = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Source:
    """Images with labels by their place 0..N-1; what `Split` divides and `Epochs` reads.

    Attributes:
        channels: C of the images.
        whole_batches: whether `reader` reads a batch at a time; else it reads image by image.
        damaged: whether an image may turn out to be damaged; it is left out then.
        drawn: the augmentations that `reader` carries out itself, while it reads an image.
        whole: those of a batch that suit what it has read.
        kind: what is augmented, for an error message.
        normalisations: those that suit, as a text, for an error message.
    """

    channels: int
    whole_batches: ClassVar[bool] = False
    damaged: ClassVar[bool] = False
    drawn: ClassVar[Collection[str]] = ()
    whole: ClassVar[Collection[str]] = ()
    kind: ClassVar[str] = "augmentation"
    normalisations: ClassVar[str] = "'channel', 'scale' or 'none'"

    def __len__(self) -> int:
        raise NotImplementedError

    def labels_at(self, places: np.ndarray) -> np.ndarray:
        """Return the labels at some places, int64 [N, ...]."""
        raise NotImplementedError

    def fingerprint(self, places: np.ndarray) -> str:
        """Return what tells the samples at some places from others: 16 characters."""
        raise NotImplementedError

    def name(self, place: int) -> str:
        """Return what a person can find a sample by."""
        raise NotImplementedError

    def require_labels(self, task: Task) -> None:
        """Refuse labels that a task has no use for; those of files are checked by their lists."""

    def reader(self, augment: str) -> Read:
        """Return a function that reads inside tf.data.

        Args:
            augment: one of `drawn`, or any other name to read the images as they are.

        Returns:
            A function of (place, random words int64 [2]), or of places [B] where `whole_batches`,
            that returns (image [H, W, C], label), or a batch of both.
        """
        raise NotImplementedError
