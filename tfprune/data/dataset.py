"""A data set: three fixed splits of images with labels."""

import functools
from dataclasses import dataclass, field

from tfprune.data import fingerprints
from tfprune.data.split import Split
from tfprune.tasks import Task


@dataclass(frozen=True, eq=False)
class DataSet:
    """A named data set with fixed splits.

    Args:
        name: what `tfprune.data.load` calls it.
        num_classes: how many classes there are.
        input_shape: (H, W, C).
        class_names: one per class, in the labels' order.
        train: for fitting weights and measuring statistics.
        validation: for choosing an epoch; None when all of it went into training.
        test: for the final figure only.
        augment: the augmentation that suits the images, for `train.epochs`.
        colours: of each class's pixels in a picture of a mask, (red, green, blue) in 0..255;
            None: the labels are not masks.
    """

    name: str
    num_classes: int
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...] = field(repr=False)
    train: Split
    validation: Split | None
    test: Split
    augment: str = "none"
    colours: tuple[tuple[int, int, int], ...] | None = field(repr=False, default=None)

    @property
    def task(self) -> Task:
        """What the labels are for; a model of this data is trained and judged by it."""
        return self.train.task

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells this data, in these splits, from other data: 16 characters.

        Of images in memory it covers every pixel and label, of images in files every label, every
        file's name and size, and the contents of some: see `tfprune.data.fingerprints`.
        """
        splits = (self.train, self.validation, self.test)
        own = [split.fingerprint if split is not None else "none" for split in splits]
        return fingerprints.of_fingerprints(self.name, *self.class_names, *own)
