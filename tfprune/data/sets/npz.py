"""Images in a NumPy `.npz` file: x_train, y_train, x_test, y_test, or images and labels."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfprune import files
from tfprune.data import stratified
from tfprune.data.dataset import DataSet
from tfprune.data.partition import Raw, divide
from tfprune.errors import PruningError

_DIVIDED, _WHOLE = ("x_train", "y_train", "x_test", "y_test"), ("images", "labels")


def load(data_dir: str | os.PathLike | None, seed: int, validation_size: int | None) -> DataSet:
    """Load images [N, H, W, C] or [N, H, W] with labels [N]; see `tfprune.data.load`.

    `data_dir` is the file, or a folder with one such file. Pixels are uint8, or floats in 0..1
    or 0..255; labels are the integers from 0 up. Where the file has no test images (`images`,
    `labels`), a fifth is held out for them, always the same; the validation images are a tenth
    of the rest unless said otherwise.
    """
    path = _file(data_dir)
    arrays = _read(path)
    raw = _divided(path, arrays) if set(_DIVIDED) <= set(arrays) else _whole(path, arrays)
    size = stratified.validation_size(validation_size, len(raw.labels), len(raw.class_names))
    stratified.cut(raw.labels, size, seed, raw.class_names, "validation")  # names small classes
    data = divide("npz", raw, _maximum(path, raw), size, seed)
    return dataclasses.replace(data, augment="crop")  # a flip may change what a picture means


def _file(data_dir: str | os.PathLike | None) -> Path:
    if data_dir is None:
        raise PruningError("The data set 'npz' needs data_dir, the .npz file; received None.")
    path = Path(data_dir).expanduser()
    found = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        received = ", ".join(file.name for file in found) if path.is_dir() else "no such file"
        raise PruningError(
            f"Expected data_dir to be an .npz file or a folder with exactly one, received {path} "
            f"({received or 'no .npz file in it'})."
        )
    return found[0]


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        # A pickle may run anything, so arrays of objects are refused.
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it holds one bare array")
            wanted = [name for name in (*_DIVIDED, *_WHOLE) if name in file.files]
            if set(wanted) in (set(_DIVIDED), set(_WHOLE)):
                return {name: files.require_array(name, file[name]) for name in wanted}
            names = file.files
    except files.DAMAGED as error:
        raise PruningError(
            f"The file {path} ({path.stat().st_size} bytes) cannot be read as .npz with arrays "
            f"of numbers: {error}. Write it with numpy.savez, or copy it again, whole."
        ) from error
    raise PruningError(
        f"The file {path} has the arrays {sorted(names)}, expected either {', '.join(_DIVIDED)} "
        f"or {', '.join(_WHOLE)}."
    )


def _divided(path: Path, arrays: Mapping[str, np.ndarray]) -> Raw:
    train, test = (_pair(path, arrays, f"x_{part}", f"y_{part}") for part in ("train", "test"))
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype:
        raise PruningError(
            f"{path}: x_train {train[0].shape} {train[0].dtype} and x_test {test[0].shape} "
            f"{test[0].dtype} must agree in all but the number of images."
        )
    names = _class_names(path, "y_train", train[1])
    if test[1].max() >= len(names):
        raise PruningError(
            f"{path}: y_test has the class {test[1].max()}, but y_train has 0..{len(names) - 1} "
            "only: expected the same classes in both."
        )
    return Raw(*train, *test, names)


def _whole(path: Path, arrays: Mapping[str, np.ndarray]) -> Raw:
    images, labels = _pair(path, arrays, "images", "labels")
    names = _class_names(path, "labels", labels)
    rest, test = stratified.cut_test(labels, names)
    return Raw(images[rest], labels[rest], images[test], labels[test], names)


def _pair(
    path: Path, arrays: Mapping[str, np.ndarray], x: str, y: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return images [N, H, W, C] and labels int64 [N]."""
    images, labels = arrays[x], arrays[y]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # as keras.datasets has them
    fits = images.ndim in (3, 4) and labels.shape == images.shape[:1] and images.size > 0
    if not fits:
        raise PruningError(
            f"{path}: expected {x} [N, H, W] or [N, H, W, C] and {y} [N] with N >= 1, received "
            f"{images.shape} and {labels.shape}."
        )
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise PruningError(f"{path}: expected {x} as uint8 or float, received {images.dtype}.")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise PruningError(
            f"{path}: expected {y} as integers from 0 up, received {labels.dtype} such as "
            f"{', '.join(map(str, labels[:3]))}."
        )
    if images.dtype != np.uint8:
        images = images.astype(np.float32)
    return images.reshape(*images.shape[:3], -1), labels.astype(np.int64)


def _class_names(path: Path, y: str, labels: np.ndarray) -> list[str]:
    """Return "0", "1", ...; every one of them must occur."""
    found = np.unique(labels)
    if len(found) < 2 or found[-1] != len(found) - 1:
        raise PruningError(
            f"{path}: expected {y} to have every class from 0 to the last, at least two; received "
            f"{len(found)} different values up to {found[-1]}."
        )
    return [str(label) for label in found]


def _maximum(path: Path, raw: Raw) -> float:
    """Return the largest value a pixel can have: 255, or 1 for floats that stay below."""
    parts = raw.images, raw.test_images
    if raw.images.dtype == np.uint8:
        return 255.0
    low, high = (float(f([f(part) for part in parts])) for f in (np.min, np.max))
    if not (low >= 0 and high <= 255):  # also where they are NaN
        raise PruningError(
            f"{path}: expected pixels in 0..1 or 0..255, received {low:g} to {high:g}. Leave "
            "the normalisation to tfprune, and replace values that are not finite."
        )
    return 1.0 if high <= 1 else 255.0
