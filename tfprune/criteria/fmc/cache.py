"""What the steps found, kept on disk so that a run that was stopped goes on."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.files import atomic_path, claim

_FINGERPRINT = "made_from.json"


class Cache:
    """Arrays by name, in a folder or, without one, in memory.

    A folder belongs to the images, model and options that it was made from. Of several workers
    the chief alone has one; the others hear what is in it, and what it refuses.

    Args:
        folder: where to; None to keep nothing beyond this run.
        made_from: what the arrays depend on, plain values by what they are.

    Raises:
        PruningError: the folder was made from something else.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> Cache(folder, {"images": 1}).write("step1_labels/conv.npy", np.arange(3))
        >>> Cache(folder, {"images": 1}).read("step1_labels/conv.npy").tolist()
        [0, 1, 2]
    """

    def __init__(self, folder: str | Path | None, made_from: Mapping[str, Any]):
        self._folder = None if folder is None else Path(folder)
        self._memory: dict[str, Any] = {}
        if self._folder is not None:
            workers.from_chief(
                lambda: claim(self._folder, made_from, name=_FINGERPRINT, what="cache")
            )

    def read(self, name: str) -> Any:
        """Return an array (.npy) or {name: array} (.npz); None if it is not there."""
        if self._folder is None:
            return self._memory.get(name)
        path = self._folder / name
        text = workers.sent(lambda: _content(path))
        if not text:
            return None
        try:
            return _load(text[1:], path.suffix)
        except Exception as error:  # BadZipFile, zlib.error, TokenError, RuntimeError, ...
            raise _unreadable(path, error) from error

    def write(self, name: str, value: Any) -> None:
        """Keep an array (.npy) or {name: array} (.npz)."""
        if self._folder is None:
            self._memory[name] = value
            return
        workers.from_chief(lambda: _save(self._folder / name, value))


def _content(path: Path) -> bytes:
    """Return a file's bytes behind one of no meaning, nothing where there is no file."""
    try:
        return b"." + path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise _unreadable(path, error) from error


def _load(text: bytes, suffix: str) -> Any:
    found = np.load(io.BytesIO(text))
    return dict(found) if suffix == ".npz" else found


def _save(path: Path, value: Any) -> None:
    with atomic_path(path) as partial:
        if path.suffix == ".npz":
            np.savez(partial, **value)
        else:
            np.save(partial, value)


def _unreadable(path: Path, error: Exception) -> PruningError:
    return PruningError(
        f"The file {path} of the cache cannot be read: {type(error).__name__}: {error}. Expected "
        "an array as a run before this one wrote it; remove the file, and it will be made again."
    )
