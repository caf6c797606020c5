"""The one place where errors of the operating system become ours: a line that says what to do."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tfprune.errors import PruningError

_ADVICE = {
    errno.ENOSPC: "Make room on that disk, or choose a folder on another one, and call again.",
    errno.EDQUOT: "Your quota there is used up: make room, or choose another folder.",
    errno.EFBIG: "The shell limits the size of files (`ulimit -f`): raise the limit.",
    errno.EROFS: "Choose a folder on a file system that may be written.",
    errno.EACCES: "Expected a place that you may read and write; change its rights, or choose "
    "another one.",
    errno.EPERM: "Expected a place that you may read and write; change its rights, or choose "
    "another one.",
    errno.ENOTDIR: "A part of that path is a file; choose another one.",
    errno.EEXIST: "There is a file of that name; choose another place.",
    errno.EISDIR: "There is a folder of that name; choose another one, or move the folder away.",
    errno.ENAMETOOLONG: "Choose a shorter path.",
    errno.EMFILE: "Too many files are open: raise the limit (`ulimit -n`).",
    errno.ENOENT: "Check the path.",
}
_OTHERWISE = "Check the disk, or choose another place."


@contextlib.contextmanager
def explaining(path: str | os.PathLike, done: str) -> Iterator[None]:
    """Turn an error of the operating system within the block into one that a person can act on.

    TensorFlow reports the system's errors as its own; those are known by their text.

    Args:
        path: what the block works on.
        done: what cannot be done with it, e.g. "written".

    Raises:
        PruningError: in place of an `OSError`, or of TensorFlow's report of one.

    Example:
        >>> with explaining("report.json", "written"):
        ...     raise OSError(errno.ENOSPC, "No space left on device")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: report.json cannot be written: No space left on device. ...
    """
    try:
        yield
    except PruningError:
        raise
    except OSError as error:
        raise PruningError(explained(error, path, done)) from error
    except tf.errors.OpError as error:
        number = _number_of(str(error))
        if number is None:
            raise
        system = OSError(number, os.strerror(number))
        raise PruningError(explained(system, path, done)) from error


def usable(path: str | os.PathLike) -> Path:
    """Return a path that the system and TensorFlow can look at, whether anything is there or not.

    Raises:
        PruningError: it is too long, holds a NUL, is not UTF-8, or may not be looked at.

    Example:
        >>> usable("model\\0.keras")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: 'model\\x00.keras' is no path: expected UTF-8 without a NUL...
    """
    try:
        if "\0" in os.fspath(path):
            raise ValueError
        os.fspath(path).encode()
    except ValueError:
        raise PruningError(
            f"{os.fspath(path)!r} is no path: expected UTF-8 without a NUL. Choose another name."
        ) from None
    with (
        explaining(os.fspath(path)[:100], "used"),
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
    ):
        os.stat(path)
    return Path(path)


def explained(error: OSError, path: str | os.PathLike | None = None, done: str = "used") -> str:
    """Return a line that says what the system refused and what to do.

    Args:
        error: the system's error.
        path: what was worked on; None: what the error itself names.
        done: what cannot be done with it, e.g. "written".
    """
    number = error.errno or _number_of(str(error))  # HDF5's errors have it in their text only
    where = path if path is not None else error.filename or "A file"
    what = os.strerror(number) if number else f"{type(error).__name__}: {error}"
    return f"{where} cannot be {done}: {what}. {_ADVICE.get(number, _OTHERWISE)}"


def known(error: OSError) -> bool:
    """Return whether the error is of the system's making, and not a slip of the program."""
    return (error.errno or _number_of(str(error))) in _ADVICE.keys() - {errno.ENOENT}


def _number_of(text: str) -> int | None:
    return next((number for number in _ADVICE if os.strerror(number) in text), None)
