"""Texts at the end of a file: a zip archive appended, which readers of the file pass over.

That is how TensorFlow Lite associates files with a model, and a `.keras` file is an archive anyway.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

METADATA = "tfprune.json"


def append(path: Path, texts: Mapping[str, str]) -> None:
    """Add texts to a file.

    Args:
        path: the file.
        texts: {name: text}; `unzip` shows them under these names.
    """
    with zipfile.ZipFile(path, "a") as archive:  # not compressed, so that it can be mapped
        for name, text in texts.items():
            archive.writestr(name, text)


def member(path: Path, name: str) -> str | None:
    """Return a text that was appended to a file; None: there is none of that name."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode() if name in archive.namelist() else None
