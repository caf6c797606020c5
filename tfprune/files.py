"""Writing without half files, and reading models with errors a user can act on."""

import contextlib
import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from tfprune.errors import PruningError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path` that becomes `path` when the block succeeds.

    The block writes a file or a folder there. When it raises, what it wrote is removed and
    `path` stays as it was; a reader therefore sees the old contents or the new, never half.

    Args:
        path: the file or folder to write; missing parent folders are made.

    Yields:
        A path in the same folder with the same suffix (Keras reads the format from it).

    Raises:
        PruningError: the folder cannot be made, or the block ended without writing anything.

    Example:
        >>> import tempfile, pathlib
        >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PruningError(
            f"The folder {path.parent} cannot be made for {path.name}: {error}. Expected a place "
            "where folders may be written; choose another one."
        ) from error
    mark = uuid.uuid4().hex[:8]
    temporary = path.with_name(f".{path.stem}.{mark}.partial{path.suffix}")
    try:
        yield temporary
        if not temporary.exists():
            raise PruningError(f"Nothing was written for {path}: the block must write {temporary}.")
        _replace(temporary, path)
    finally:
        remove(temporary)


def _replace(source: Path, target: Path) -> None:
    if not target.is_dir():
        source.replace(target)
        return
    # rename(2) replaces an empty folder only, so the old one steps aside first.
    aside = source.with_name(f"{source.name}.old")
    target.rename(aside)
    try:
        source.rename(target)
    except OSError:
        aside.rename(target)
        raise
    remove(aside)


def remove(path: str | os.PathLike) -> None:
    """Remove a file or a whole folder; one that is not there is no error.

    Example:
        >>> remove("a file that is not there")
    """
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all.

    Example:
        >>> import tempfile
        >>> write_text(tempfile.mkdtemp() + "/note.txt", "whole")
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all.

    Example:
        >>> import tempfile
        >>> write_json(tempfile.mkdtemp() + "/report.json", {"accuracy": 0.9})
    """
    write_text(path, json.dumps(value, indent=2) + "\n")


def save_model(model: keras.Model, path: str | os.PathLike) -> None:
    """Save a model as a `.keras` file, whole or not at all.

    Args:
        model: any Keras model.
        path: where to; the name must end in `.keras`.

    Raises:
        PruningError: the name ends in something else.
    """
    _require_suffix(Path(path))
    with atomic_path(path) as temporary:
        model.save(temporary)


def load_model(path: str | os.PathLike, *, compiled: bool = False) -> keras.Model:
    """Load a `.keras` file, with an error that names the file when that fails.

    Args:
        path: the file.
        compiled: also restore the optimizer and the losses; only training needs them.

    Returns:
        The model.

    Raises:
        PruningError: there is no such file, it is no `.keras` file, or Keras cannot read it
            (truncated, damaged, or made of layers that are not registered here).
    """
    path = Path(path)
    _require_suffix(path)
    if not path.is_file():
        raise PruningError(
            f"There is no model file {path}. Expected a .keras file, as model.save() and "
            "train.py write it; check the path."
        )
    if not zipfile.is_zipfile(path):  # Keras would say that it is not there
        raise PruningError(
            f"The model file {path} ({path.stat().st_size} bytes) cannot be loaded: it is "
            "truncated or no .keras file (a zip archive). Write it again, or copy it again if the "
            "copy was cut short."
        )
    try:
        return keras.models.load_model(path, compile=compiled)
    except Exception as error:  # Keras raises ValueError, KeyError, OSError, BadZipFile, ...
        raise PruningError(
            f"The model file {path} ({path.stat().st_size} bytes) cannot be loaded. Expected a "
            f"complete .keras file; received one that Keras {keras.version()} refuses: "
            f"{type(error).__name__}: {error}. Write it again, or copy it again if the copy was "
            "cut short; a model with layers of your own needs their module imported first."
        ) from error


def _require_suffix(path: Path) -> None:
    if path.suffix != ".keras":
        raise PruningError(
            f"A model file's name must end in .keras, received {str(path)!r}. Other formats "
            "are written by tfprune.export."
        )
