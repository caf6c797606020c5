"""This folder belongs to these settings: one answer for runs, trainings and caches."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfprune.errors import PruningError
from tfprune.files._atomic import is_partial, sweep
from tfprune.files._system_errors import usable
from tfprune.files._text import read_json, write_json


def claim(
    folder: str | os.PathLike,
    settings: Mapping[str, Any],
    *,
    name: str,
    what: str,
    write: bool = True,
    others: Sequence[str] = (),
) -> bool:
    """Take a folder for a piece of work, or make sure that it is this work's own.

    What a killed writer left there is swept away first.

    Args:
        folder: the folder; made if it is missing.
        settings: what the work depends on, plain values by name.
        name: the file in the folder that keeps them, e.g. "run.json".
        what: what the folder is of, e.g. "training"; for the messages.
        write: False for a worker that only looks.
        others: patterns of names that do not count as files of other origin.

    Returns:
        Whether the work has been there before.

    Raises:
        PruningError: the folder belongs to other settings or holds other files.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> [claim(folder, {"epochs": 2}, name="run.json", what="training") for _ in range(2)]
        [False, True]
        >>> claim(folder, {"epochs": 3}, name="run.json", what="training")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: The folder ... epochs: 2 there, 3 now. Use another folder, ...
    """
    path = usable(Path(folder) / name)
    wanted = json.loads(json.dumps(settings))  # as it will be read again: lists, no tuples
    if write:
        sweep(folder)
    if path.is_file():
        found = read_json(path, f"Remove the folder {folder} to start anew.")
        differ = differences(found, wanted)
        if differ:
            raise PruningError(
                f"The folder {folder} holds another {what}, which differs in {differ}. Use "
                "another folder, or remove this one to start anew."
            )
        return True
    if write:
        strangers = contents(folder, others)
        if strangers:
            raise PruningError(
                f"The folder {folder} is not empty and holds no {what} of tfprune: "
                f"{', '.join(strangers[:5])}. Use an empty or a new folder."
            )
        write_json(path, wanted)
    return False


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return in words where two settings differ, "" where they do not.

    Args:
        found: what is there, by name.
        wanted: what is wanted now.

    Example:
        >>> differences({"epochs": 2, "seed": 0}, {"epochs": 3, "seed": 0})
        'epochs: 2 there, 3 now'
    """
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return "; ".join(f"{n}: {found.get(n)!r} there, {wanted.get(n)!r} now" for n in names)


def contents(folder: str | os.PathLike, others: Sequence[str] = ()) -> list[str]:
    """Return the names in a folder, without what is being written; empty where there is none.

    Args:
        folder: the folder.
        others: patterns of names to leave out.
    """
    found = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    seen = [path for path in found if not any(path.match(pattern) for pattern in others)]
    return [path.name for path in seen if not is_partial(path.name)]
