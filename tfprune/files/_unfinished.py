"""What several files in one folder are to become, known to whoever comes after a kill."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tfprune.files._atomic import left_partial, partial_path

_LIST = "unfinished.json"


@contextlib.contextmanager
def listed(folder: str | os.PathLike, names: Iterable[str]) -> Iterator[None]:
    """Let a list of what the block makes lie in a folder until the block ends.

    Args:
        folder: the folder; made if it is missing.
        names: of files and folders in it that are not there, or were left unfinished.

    Raises:
        PruningError: the folder cannot be made, or the list not written.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with listed(folder, ["model.keras"]):
        ...     print(unfinished(folder))  # this writer lives
        set()
    """
    with partial_path(Path(folder) / _LIST) as path:
        path.write_text(json.dumps(sorted(names)), encoding="utf-8")
        yield


def unfinished(folder: str | os.PathLike) -> set[str]:
    """Return what writers that were killed had listed: parts of something that is not whole.

    Args:
        folder: the folder; it may be missing.
    """
    found: set[str] = set()
    for path in left_partial(Path(folder), _LIST):
        with contextlib.suppress(ValueError, OSError):  # killed while it wrote the list itself
            found.update(json.loads(path.read_text(encoding="utf-8")))
    return found
