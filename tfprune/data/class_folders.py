"""Listing folders of images, one folder per class."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfprune.data.encoded import Files
from tfprune.errors import PruningError

SUFFIXES = (".jpeg", ".jpg", ".png")


def names(root: Path, pattern: str = r"[^.].*") -> list[str]:
    """Return the sorted names of the class folders in a folder.

    Args:
        root: the folder.
        pattern: what a class folder's whole name must match; hidden ones never count.

    Raises:
        PruningError: the folder is missing, or has fewer than two class folders.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for name in ("dog", "cat"):
        ...     (root / name).mkdir()
        >>> names(root)
        ['cat', 'dog']
    """
    if not root.is_dir():
        raise PruningError(
            f"The folder {root} is missing: expected a folder with one folder per class."
        )
    entries = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    for name in entries:
        if not name.isprintable():  # what is not UTF-8 comes as lone surrogates
            raise PruningError(
                f"The class folder {name!r} in {root} has a name that cannot be printed as "
                "UTF-8, in which reports are written. Rename it."
            )
    found = [name for name in entries if re.fullmatch(pattern, name)]
    if len(found) < 2:
        received = ", ".join(entries[:5]) or "no folders"
        raise PruningError(
            f"Expected at least two class folders (named like {pattern}) in {root}, received "
            f"{len(found)}: {received}. Sort the images into one folder per class."
        )
    return found


def images(root: Path, classes: Sequence[str]) -> Files:
    """List the images of class folders, by class and name.

    Args:
        root: the folder that holds the class folders.
        classes: their names, in the labels' order.

    Returns:
        The files that end in .jpeg, .jpg or .png, upper or lower case; others do not count.

    Raises:
        PruningError: a class folder without images.
    """
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted(_files(root / name))
        own = [file for file in files if file.lower().endswith(SUFFIXES)]
        if not own:
            received = ", ".join(Path(file).name for file in files[:3]) or "no files"
            raise PruningError(
                f"The class folder {root / name} has no images: expected files that end in "
                f"{', '.join(SUFFIXES)}, received {received}."
            )
        paths += own
        labels += [label] * len(own)
    return Files(paths, np.array(labels, np.int64))


def _files(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [str(path) for path in folder.iterdir() if path.name[0] != "." and path.is_file()]
