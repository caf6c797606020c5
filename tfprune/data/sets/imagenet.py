"""ImageNet (ILSVRC 2012): 1.28 million photographs in 1,000 classes (Russakovsky et al. 2015)."""

import os
from collections.abc import Sequence
from pathlib import Path

from tfprune.data import class_folders, stratified
from tfprune.data.dataset import DataSet
from tfprune.data.encoded import Encoded
from tfprune.data.sets import _prepared, _records, _size
from tfprune.data.sources.pictures import RANDOM_CROP, Pictures
from tfprune.data.split import Split
from tfprune.errors import PruningError

_SIZE = (224, 224)
_SYNSET = r"n\d{8}"
_VALIDATION_PER_CLASS = 50  # as many as in the official validation images
_PREPARED = "imagenet2012"


def load(
    data_dir: str | os.PathLike | None,
    seed: int,
    validation_size: int | None,
    *,
    image_size: Sequence[int] | None = None,
) -> DataSet:
    """Load ImageNet, or a part of its classes, from files; see `tfprune.data.load`.

    `data_dir` holds `train/nXXXXXXXX/*.JPEG` and `val/nXXXXXXXX/*.JPEG`, or the folder
    `imagenet2012/` that TensorFlow Datasets prepared. Its records are listed first, which reads
    all of them once; the list is kept beside them where that folder may be written. The official
    validation images are the test split; the validation split, by default 50 images per class, is
    cut from the training images. Images stay in their files, and are resized and cropped to
    `image_size` (H, W), by default 224x224.
    """
    shape = _size.checked(image_size) or _SIZE
    root = _prepared.default_dir() if data_dir is None else Path(data_dir).expanduser()
    if (root / "train").is_dir():
        names = class_folders.names(root / "train", _SYNSET)
        train, test = class_folders.images(root / "train", names), _official(root / "val", names)
    elif (root / _PREPARED).is_dir():
        train, test, names = _records.read(_PREPARED, root, ("train", "validation"))
    else:
        raise PruningError(
            f"No ImageNet in {root}: expected the folders train/ and val/ with one folder "
            f"nXXXXXXXX per class, or {_PREPARED}/ as TensorFlow Datasets prepares it. It cannot "
            "be downloaded without an account at image-net.org; give data_dir."
        )
    most = _VALIDATION_PER_CLASS * len(names)
    size = stratified.validation_size(validation_size, len(train.labels), len(names), most)
    rest, held = stratified.cut(train.labels, size, seed, names, "validation")
    pictures = Pictures(train, shape)
    return DataSet(
        name="imagenet",
        num_classes=len(names),
        input_shape=(*shape, 3),
        class_names=tuple(names),
        train=Split(pictures, rest),
        validation=Split(pictures, held) if size else None,
        test=Split(Pictures(test, shape)),
        augment=RANDOM_CROP,
    )


def _official(folder: Path, classes: list[str]) -> Encoded:
    """List the official validation images, which must have the training images' classes."""
    found = class_folders.names(folder, _SYNSET)
    if found != classes:
        differ = sorted(set(found) ^ set(classes))
        raise PruningError(
            f"{folder} and train/ must have the same class folders; {len(differ)} are in one "
            f"only: {', '.join(differ[:5])}."
        )
    return class_folders.images(folder, classes)
