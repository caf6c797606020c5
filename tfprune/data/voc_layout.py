"""PASCAL VOC's folders: JPEGImages, SegmentationClass, and lists in ImageSets/Segmentation."""

import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfprune.data.classes import VOID, Classes
from tfprune.errors import PruningError

_LOG = logging.getLogger(__name__)
_IMAGES, _MASKS, _LISTS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
_SUFFIXES = (".jpg", ".jpeg", ".png")
_SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """A photograph with its mask.

    Args:
        image: path of the photograph.
        mask: path of the mask.
        size: (H, W) of both.
        labels: the mask as a grey PNG: TensorFlow decodes a palette to its colours, and Python in
            a pipeline would run one thread at a time.
    """

    image: str
    mask: str
    size: tuple[int, int]
    labels: bytes = field(repr=False)


def list_path(root: Path, name: str) -> Path:
    """Return the file of a list: as it is named, or of that name where VOC's lists lie.

    Args:
        root: the data set's folder.
        name: a path, or the name of a list, with or without .txt.

    Raises:
        PruningError: there is no such file; the lists that are there are named.
    """
    folder = root / _LISTS
    for path in (Path(name).expanduser(), folder / name, folder / f"{name}.txt"):
        if path.is_file():
            return path
    there = sorted(path.name for path in folder.glob("*.txt"))
    raise PruningError(
        f"There is no list {name!r}: expected a file, or a list in {folder}, received one that is "
        f"neither. Lists there: {', '.join(there) or '(none)'}."
    )


def pairs(root: Path, listed: Path, classes: Classes, *, skip_bad: bool = False) -> list[Pair]:
    """Return the photographs of a list with their masks, all of them read once and found sound.

    Args:
        root: the data set's folder.
        listed: a text file, a photograph's name per line, without its ending. A second column
            of -1, as in VOC's lists of a class, says that the class is not in it: such lines do
            not count.
        classes: of the masks' labels.
        skip_bad: leave out what is not sound, and log how much and what.

    Raises:
        PruningError: an empty list, or something that is not sound: the list's line and the file
            are named.
    """
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda line: _pair(root, *line, classes), _lines(listed)))
    bad = [each for each in found if isinstance(each, str)]
    if bad and not skip_bad:
        raise PruningError(
            f"{_told(bad, listed)} Mend them, or leave them out with skip_bad (--skip_bad)."
        )
    good = [each for each in found if isinstance(each, Pair)]
    if bad:
        _LOG.warning("Skipped %d of %d. %s", len(bad), len(found), _told(bad, listed))
    if not good:
        received = f"{len(bad)} that are not" if bad else "none"
        raise PruningError(
            f"The list {listed} is empty: expected photographs, received {received}."
        )
    return good


def read_mask(path: str) -> np.ndarray:
    """Return the labels of a mask, uint8 [H, W]: a grey PNG's values, or a palette's numbers.

    Raises:
        ValueError: it is neither.
        OSError: it cannot be read to its end.
    """
    with Image.open(path) as image:
        if image.mode not in ("L", "P"):
            raise ValueError(f"expected a grey or a palette image of 8 bits, received {image.mode}")
        return np.array(image)


def _told(bad: Sequence[str], listed: Path) -> str:
    more = f"; and {len(bad) - _SHOWN} more" if bad[_SHOWN:] else ""
    return f"Unsound in the list {listed}: {'; '.join(bad[:_SHOWN])}{more}."


def _lines(listed: Path) -> Iterator[tuple[int, str]]:
    """Yield (number of the line, name) of the lines that count."""
    text = listed.read_text(encoding="utf-8", errors="surrogateescape")
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if parts and parts[1:] != ["-1"]:
            yield number, parts[0]


def _pair(root: Path, number: int, name: str, classes: Classes) -> Pair | str:
    """Return a pair, or what is wrong with it."""
    try:
        return _sound(root, name, classes)
    except _UnsoundError as error:
        return f"line {number}: {error}"


class _UnsoundError(Exception):
    """What is wrong with a photograph or its mask."""


def _sound(root: Path, name: str, classes: Classes) -> Pair:
    paths = [root / _IMAGES / f"{name}{end}" for end in _SUFFIXES]
    image = next(filter(Path.is_file, paths), paths[0])
    mask = root / _MASKS / f"{name}.png"
    size, labels = _tried(image, _size), _tried(mask, read_mask)
    if labels.shape != size:
        raise _UnsoundError(f"{mask} has {_by(labels.shape)} pixels, its photograph {_by(size)}")
    count = len(classes.names)
    strange = np.setdiff1d(labels, [*range(count), VOID])
    if len(strange):
        raise _UnsoundError(
            f"{mask} has the label {strange[0]}; the {count} classes are 0 to {count - 1}, and "
            f"{VOID} is void"
        )
    return Pair(os.fspath(image), os.fspath(mask), size, _grey(labels))


def _grey(labels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()  # to its end: a photograph that stops in the middle is not sound
        return image.height, image.width


def _tried(path: Path, read: Callable) -> Any:
    if not path.is_file():
        raise _UnsoundError(f"{path} is missing")
    try:
        return read(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _UnsoundError(f"{path} cannot be read: {error}") from error


def _by(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[0]}"
