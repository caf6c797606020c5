"""Any folder with one folder of images (JPEG or PNG) per class."""

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tfprune.data import class_folders, stratified
from tfprune.data.dataset import DataSet
from tfprune.data.sets import _size
from tfprune.data.sources.pictures import RANDOM_CROP, Pictures
from tfprune.data.split import Split
from tfprune.errors import PruningError

_SIDE = 224


def load(
    data_dir: str | os.PathLike | None,
    seed: int,
    validation_size: int | None,
    *,
    image_size: Sequence[int] | None = None,
) -> DataSet:
    """Load the images of `data_dir/<class>/*.jpg`; see `tfprune.data.load`.

    A fifth is held out for the test, always the same as long as the files are; the validation
    images are a tenth of the rest unless said otherwise. Small images (up to 224) that all have
    one size keep it; others are resized and cropped to 224x224, or all to `image_size` (H, W).
    They stay in their files.
    """
    wanted = _size.checked(image_size)
    if data_dir is None:
        raise PruningError(
            "The data set 'folder' needs data_dir, a folder with one folder of images per class; "
            "received None."
        )
    root = Path(data_dir).expanduser()
    names = class_folders.names(root)
    files = class_folders.images(root, names)
    rest, test = stratified.cut_test(files.labels, names)
    size = stratified.validation_size(validation_size, len(rest), len(names))
    train, held = stratified.cut(files.labels[rest], size, seed, names, "validation")
    common = _common_size(files.paths)
    shape = wanted or common or (_SIDE, _SIDE)
    pictures = Pictures(files, shape, as_it_is=shape == common)
    splits = [Split(pictures, places) for places in (rest[train], rest[held], test)]
    return DataSet(
        name="folder",
        num_classes=len(names),
        input_shape=(*shape, 3),
        class_names=tuple(names),
        train=splits[0],
        validation=splits[1] if size else None,
        test=splits[2],
        augment="crop_flip" if shape == common else RANDOM_CROP,
    )


def _common_size(paths: Sequence[str]) -> tuple[int, int] | None:
    """Return the (H, W) of all images, or None where they differ or are large."""
    common = None
    for path in paths:
        try:
            with Image.open(path) as image:  # reads the head only
                size = image.size[::-1]
        except OSError:
            continue  # damaged: it is skipped, and named, when it is read
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return None  # far larger
        if max(size) > _SIDE or common not in (None, size):
            return None
        common = size
    return common
