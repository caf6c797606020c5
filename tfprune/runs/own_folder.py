"""A run's folder on several workers: the chief writes into the run's, the others into throw-aways.

So all of them do the same, as `tf.distribute` wants it: models are saved by all workers, and none
needs to know whether it writes for good.
"""

import atexit
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection
from pathlib import Path

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.files import atomic_path


def own_folder(folder: str | os.PathLike) -> Path:
    """Return where this worker writes: the folder itself, or one that goes when the program ends.

    Args:
        folder: the run's folder.

    Example:
        >>> own_folder("runs/digits").as_posix()
        'runs/digits'
    """
    if workers.is_chief():
        return Path(folder)
    own = Path(tempfile.mkdtemp(prefix="tfprune-worker-"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def require_equal(settings: str) -> None:
    """Refuse a worker that was asked for another run than the chief.

    Args:
        settings: the text that identifies the run.

    Raises:
        PruningError: the chief has another one.
    """
    if workers.from_chief(lambda: settings) != settings:
        raise PruningError(
            f"Worker {workers.number()} was started with other flags, or reads other data, than "
            "the chief. Start all workers by one command line, and let them see the same files."
        )


def agree(*paths: Path) -> None:
    """Let the files of all workers be the chief's, which may differ in their last bits.

    Args:
        *paths: files that every worker has just written into its own folder.
    """
    if workers.count() == 1:
        return
    for path in paths:
        received = workers.sent(path.read_bytes)
        if not workers.is_chief():
            with atomic_path(path) as temporary:
                temporary.write_bytes(received)


def share(folder: str | os.PathLike, leave_out: Collection[str] = ()) -> None:
    """Send what the chief's folder holds to the others' own.

    Args:
        folder: of this worker.
        leave_out: names in it that are not needed.
    """
    if workers.count() == 1:
        return

    def packed() -> bytes:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in sorted(Path(folder).iterdir()):
                if path.name not in leave_out:
                    archive.add(path, path.name)
        return file.getvalue()

    received = workers.sent(packed)
    if not workers.is_chief():
        with tarfile.open(fileobj=io.BytesIO(received)) as archive:
            archive.extractall(folder, filter="data")
