"""Files and folders that appear under their names when they are whole, and not before."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tfprune.errors import PruningError
from tfprune.files._system_errors import explaining

# .name.pid-mark.partial.suffix, and the same with .old for what steps aside meanwhile
_PARTIAL = re.compile(
    r"\.(?P<stem>.+?)\.((?P<pid>\d+)-)?(?P<mark>[0-9a-f]{8})\.partial(?P<suffix>(\.(?!old$)\w+)?)"
    r"(?P<old>\.old)?"
)
_OPEN: set[str] = set()  # marks of what this process is writing


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
    with partial_path(path) as temporary:
        yield temporary
        _require_written(temporary, path)
        _replace(temporary, path)


def write_version(folder: str | os.PathLike, write: Callable[[Path], None]) -> Path:
    """Write a folder that becomes the next numbered one; one that is there is never replaced.

    The number is taken at the very end, in one step of the file system: of several writers each
    gets its own.

    Args:
        folder: the folder of the numbered ones; made if it is missing.
        write: writes a folder that is not empty to the path that it is called with.

    Returns:
        The numbered folder.

    Raises:
        PruningError: the folder cannot be made, or nothing was written.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> def write(path):
        ...     (make_folder(path) / "model").touch()
        >>> [write_version(folder, write).name for _ in range(2)]
        ['1', '2']
    """
    folder = Path(folder)
    with partial_path(folder / "1") as temporary:
        write(temporary)
        _require_written(temporary, folder)
        while True:
            taken = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
            target = folder / str(1 + max(taken, default=0))
            try:
                temporary.rename(target)  # rename(2) refuses a folder that holds something
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
            else:
                return target


@contextlib.contextmanager
def partial_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is left there when the block ends is removed.

    Args:
        path: the file or folder in mind; missing parent folders are made.

    Raises:
        PruningError: the folder cannot be made, or the system refuses what the block does.
    """
    path = Path(path)
    make_folder(path.parent)
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    temporary = path.with_name(f".{path.stem}.{mark}.partial{path.suffix}")
    _OPEN.add(mark)
    try:
        with explaining(path, "written"):
            yield temporary
    finally:
        remove(temporary)
        _OPEN.discard(mark)


def _require_written(temporary: Path, path: Path) -> None:
    if not temporary.exists():
        raise PruningError(f"Nothing was written for {path}: the block must write {temporary}.")


def make_folder(path: str | os.PathLike) -> Path:
    """Make a folder with those above it, unless it is there, and return it.

    Raises:
        PruningError: it cannot be made, or it is a file.

    Example:
        >>> import tempfile
        >>> make_folder(tempfile.mkdtemp() + "/a/b").name
        'b'
    """
    with explaining(path, "made a folder"):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def sweep(folder: str | os.PathLike, *, below: bool = True) -> None:
    """Remove what writers that were killed left in a folder.

    What was to be replaced when the kill came gets its name back. Files of other origin stay, and
    so do those of a writer that lives.

    Args:
        folder: the folder; it may be missing.
        below: also in the folders within it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".report.0123abcd.partial.json").touch()
        >>> sweep(folder)
        >>> list(folder.iterdir())
        []
    """
    search = Path(folder).rglob if below else Path(folder).glob
    for path, found in _left(search(".*.partial*")):
        target = path.with_name(found["stem"] + found["suffix"])
        if found["old"] and not target.exists():
            path.rename(target)
        else:
            remove(path)


def left_partial(folder: Path, name: str) -> Iterator[Path]:
    """Yield what killed writers of a file have left in its folder.

    Args:
        folder: the folder; it may be missing.
        name: of the file that was to be written.
    """
    for path, found in _left(folder.glob(".*.partial*")):
        if found["stem"] + found["suffix"] == name:
            yield path


def _left(paths: Iterable[Path]) -> Iterator[tuple[Path, re.Match]]:
    """Yield those that writers have left which no longer live, deeper ones first."""
    for path in sorted(paths, key=_last_first):
        found = _PARTIAL.fullmatch(path.name)
        if found and not _is_open(found):
            yield path, found


def is_partial(name: str) -> bool:
    """Return whether a file of this name is one that is being written, or was left by a kill.

    Example:
        >>> is_partial(".report.17-0123abcd.partial.json"), is_partial(".report.partial.json")
        (True, False)
    """
    return _PARTIAL.fullmatch(name) is not None


def _is_open(found: re.Match) -> bool:
    """Return whether the writer lives: this process, or another one of this machine."""
    number = found["pid"]
    if not number:
        return False
    if int(number) == os.getpid():
        return f"{number}-{found['mark']}" in _OPEN
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process lives too
        return True
    return True


def _last_first(path: Path) -> tuple[int, str]:
    """Deeper ones first: a folder goes with all that is in it."""
    return -len(path.parts), path.name


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
    """Remove a file or a whole folder, if it is there.

    Example:
        >>> remove("a file that is not there")
    """
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
