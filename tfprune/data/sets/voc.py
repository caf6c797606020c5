"""Photographs with a class per pixel, in the folders of PASCAL VOC 2012."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfprune import tasks
from tfprune.data import classes as class_lists
from tfprune.data import voc_layout
from tfprune.data.dataset import DataSet
from tfprune.data.partition import hold_out
from tfprune.data.sets import _size
from tfprune.data.sources import Masks
from tfprune.data.split import Split
from tfprune.data.voc_layout import Pair
from tfprune.errors import PruningError

_STEP = 8  # what a network halves three times has whole maps then
_VALIDATION = 10  # a tenth


def load(
    data_dir: str | os.PathLike | None,
    seed: int,
    validation_size: int | None,
    *,
    classes: str | os.PathLike = "voc",
    train_list: str = "train",
    image_size: Sequence[int] | None = None,
    skip_bad: bool = False,
) -> DataSet:
    """Load photographs and masks; see `tfprune.data.load`. They stay in their files.

    The lists `train`, `val` and `test` are the splits. Without `test`, whose masks VOC keeps to
    itself, `val` is the test split, and a tenth of `train` is held out for validation. Every
    picture and mask is read once and checked.

    Args:
        data_dir: the folder with JPEGImages, SegmentationClass and ImageSets/Segmentation.
        seed: of the choice of validation images where there is a choice.
        validation_size: images held out; None: a tenth; only 0 where the lists say which.
        classes: "voc", "camvid" or a text file: see `tfprune.data.classes.find`.
        train_list: the list of training images, e.g. of one class: a file, or the name of one in
            ImageSets/Segmentation.
        image_size: (H, W) that the largest image is scaled to, the others in proportion; None:
            none is scaled, and smaller images are padded. The masks of validation and test keep
            the image's own size.
        skip_bad: leave out pictures and masks that are not sound, and log them.

    Raises:
        PruningError: something is missing or not sound; the list's line and the file are named.
    """
    if data_dir is None:
        raise PruningError(
            "The data set 'voc' needs data_dir, a folder with JPEGImages, SegmentationClass and "
            "ImageSets/Segmentation; received None."
        )
    root, known = Path(data_dir).expanduser(), class_lists.find(classes)
    train, validation, test = (
        None if path is None else voc_layout.pairs(root, path, known, skip_bad=skip_bad)
        for path in _lists(root, train_list, validation_size)
    )
    if validation is None and validation_size != 0:
        size = max(1, len(train) // _VALIDATION) if validation_size is None else validation_size
        parts = hold_out(len(train), size, seed)
        train, validation = ([train[place] for place in places] for places in parts)
    every = [*train, *(validation or []), *test]
    own = tuple(np.max([pair.size for pair in every], axis=0).tolist())
    canvas = tuple(-(-side // _STEP) * _STEP for side in own)
    size = _size.checked(image_size, _STEP) or canvas
    scale = tuple(a / b for a, b in zip(size, canvas, strict=True))
    task = tasks.find("segmentation", names=known.names)

    def split(pairs: list[Pair], *mask: tuple) -> Split:
        return Split(Masks(pairs, size, scale, *mask), normalisation="imagenet", task=task)

    return DataSet(
        name="voc",
        num_classes=len(known.names),
        input_shape=(*size, 3),
        class_names=known.names,
        train=split(train, size, scale),
        validation=split(validation, canvas, (1.0, 1.0)) if validation else None,
        test=split(test, canvas, (1.0, 1.0)),
        augment="scale_crop_flip",
        colours=known.colours,
    )


def _lists(root: Path, train_list: str, validation_size: int | None) -> list[Path | None]:
    """Return the lists of training, validation (None: there is no choice yet) and test."""
    train, val = voc_layout.list_path(root, train_list), voc_layout.list_path(root, "val")
    test = val.with_name("test.txt")
    if not test.is_file():
        return [train, None, val]
    if validation_size:
        raise PruningError(
            f"validation_size={validation_size} has no effect: {val} lists the validation images, "
            f"beside {test}. Leave it out, or give 0 to train without them."
        )
    return [train, None if validation_size == 0 else val, test]
