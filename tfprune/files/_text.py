"""Text and JSON: written whole or not at all, and read with errors that name the file."""

import json
import os
from pathlib import Path
from typing import Any

from tfprune.errors import PruningError
from tfprune.files._atomic import atomic_path
from tfprune.files._system_errors import explaining, usable


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


def read_text(path: str | os.PathLike, remedy: str) -> str:
    """Return the text of a file.

    Args:
        path: the file.
        remedy: what to do about one that is damaged, a sentence.

    Raises:
        PruningError: it is not there, may not be read, or is not UTF-8.

    Example:
        >>> read_text("no such file", "Run again.")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: no such file cannot be read: No such file or directory. ...
    """
    usable(path)
    try:
        with explaining(path, "read"):
            return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PruningError(
            f"The file {path} is damaged: expected UTF-8 text, received the byte "
            f"{error.object[error.start]:#04x} at place {error.start}. {remedy}"
        ) from error


def read_json(path: str | os.PathLike, remedy: str) -> dict[str, Any]:
    """Return what a JSON file holds, by name.

    Args:
        path: the file.
        remedy: as for `read_text`.

    Raises:
        PruningError: as `read_text`, and for what is not a JSON object.

    Example:
        >>> import tempfile
        >>> write_json(tempfile.gettempdir() + "/rate.json", {"rate": 0.1})
        >>> read_json(tempfile.gettempdir() + "/rate.json", "Run again.")
        {'rate': 0.1}
    """
    text = read_text(path, remedy)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PruningError(
            f"The file {path} is damaged: expected JSON, received {type(error).__name__}: "
            f"{error}. {remedy}"
        ) from error
    if not isinstance(found, dict):
        raise PruningError(
            f"The file {path} is damaged: expected a JSON object, received {found!r:.50}. {remedy}"
        )
    return found
