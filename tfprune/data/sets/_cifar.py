"""CIFAR-10 and CIFAR-100 from whichever form lies in the folder."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfprune.data.dataset import DataSet
from tfprune.data.partition import Raw, divide
from tfprune.data.sets import _pickles, _prepared
from tfprune.errors import PruningError

_PIXELS = 32 * 32 * 3
_VALIDATION = 5_000


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the python version of a CIFAR is laid out: its files with their numbers of images."""

    name: str
    folder: str
    train: Mapping[str, int]
    test: Mapping[str, int]
    meta: str
    label_key: bytes
    names_key: bytes


def load(
    layout: Layout, data_dir: str | os.PathLike | None, seed: int, validation_size: int | None
) -> DataSet:
    """Load a CIFAR from what lies in `data_dir`, else through TensorFlow Datasets.

    Raises:
        PruningError: nothing was found, and it could not be downloaded either.
    """
    size = _VALIDATION if validation_size is None else validation_size
    data = divide(layout.name, _find(layout, data_dir), 255, size, seed)
    return dataclasses.replace(data, augment="crop_flip")


def _find(layout: Layout, data_dir: str | os.PathLike | None) -> Raw:
    root = _prepared.default_dir() if data_dir is None else Path(data_dir).expanduser()
    folders = [root, root / layout.folder]
    for folder in folders:
        # Any one of its files makes it that folder: a missing one is then named.
        if any((folder / file).exists() for file in (*layout.train, *layout.test)):
            return read_pickles(folder, layout)
    if (root / layout.name).is_dir():
        return _prepared.read(layout.name, root, download=False)
    try:
        return _prepared.read(layout.name, root, download=True)
    except Exception as error:  # whatever a network, a disk or a server can do
        looked = ", ".join(str(place) for place in (*folders, root / layout.name))
        raise PruningError(
            f"No {layout.name} was found, and downloading it failed "
            f"({type(error).__name__}: {error}). Looked for the python version's "
            f"{', '.join(layout.train)} and for a folder that TensorFlow Datasets prepared, in: "
            f"{looked}. Give data_dir, the folder that holds {layout.folder}/ or {layout.name}/."
        ) from error


def read_pickles(folder: Path, layout: Layout) -> Raw:
    """Read the python version of a CIFAR from its folder.

    Raises:
        PruningError: a file is missing, cut short or of another size than expected.
    """
    names = _pickles.read(folder / layout.meta).get(layout.names_key)
    if not isinstance(names, list) or not all(isinstance(name, bytes) for name in names):
        raise PruningError(
            f"The data file {folder / layout.meta} has no {layout.names_key.decode()!r}: expected "
            "the class names. Unpack it again, or download it again."
        )
    train = [_read_batch(folder / file, layout, rows) for file, rows in layout.train.items()]
    test = [_read_batch(folder / file, layout, rows) for file, rows in layout.test.items()]
    return Raw(
        *(np.concatenate(parts) for parts in zip(*train, strict=True)),
        *(np.concatenate(parts) for parts in zip(*test, strict=True)),
        [name.decode(errors="replace") for name in names],
    )


def _read_batch(path: Path, layout: Layout, rows: int) -> tuple[np.ndarray, np.ndarray]:
    content = _pickles.read(path)
    images, labels = (_numbers(content.get(key)) for key in (b"data", layout.label_key))
    if images.shape != (rows, _PIXELS) or labels.shape != (rows,):
        raise PruningError(
            f"The data file {path} ({path.stat().st_size} bytes) has images {images.shape} and "
            f"labels {labels.shape}, expected {(rows, _PIXELS)} and {(rows,)}. Unpack it again, "
            "or download it again."
        )
    if images.dtype != np.uint8:
        raise PruningError(f"The data file {path} has images of {images.dtype}, expected uint8.")
    return images.reshape(rows, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _numbers(value: object) -> np.ndarray:
    """Return an array, or a list of whole numbers as int64 [N]; of anything else nothing."""
    if isinstance(value, np.ndarray):
        return value
    whole = isinstance(value, list) and all(type(x) is int and 0 <= x < 1000 for x in value)
    return np.array(value if whole else [], np.int64)
