"""Pickles of tensors, read without running anything that they name.

A pickle is a program: it may name any function and have it called. Here a name is looked up in a
short list of stand-ins of our own, and any other name ends the reading before its module is even
imported.
"""

import pickle
import reprlib
from typing import Any, BinaryIO

from tfprune.errors import PruningError
from tfprune.weights import _pickle_bounds
from tfprune.weights._stand_ins import STORAGES, stand_ins
from tfprune.weights._storage import Storage

_STORAGE_FIELDS = (5, 6)  # the sixth, of old files: which part of a shared storage


def load(stream: BinaryIO, where: str) -> tuple[Any, dict[str, Storage]]:
    """Read one pickle of numbers, texts, lists, dicts and tensors; a tensor becomes a `Window`.

    Args:
        stream: the pickle; it may go on after it.
        where: what is read, for errors.

    Returns:
        What the pickle holds, and by key every storage in the file, whole.

    Raises:
        PruningError: the pickle names something else, or it is damaged.
    """
    start = stream.tell()
    try:
        _pickle_bounds.check(stream)
        stream.seek(start)
        unpickler = _Unpickler(stream, where)
        return unpickler.load(), unpickler.storages
    except PruningError:
        raise
    except Exception as error:  # whatever a damaged pickle makes of the stand-ins
        raise PruningError(
            f"{where} cannot be read: expected a pickle of tensors as torch.save writes it, "
            f"received one that fails with {type(error).__name__}: {error}. The file is damaged; "
            "copy it again."
        ) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, where: str):
        super().__init__(stream, encoding="utf-8")
        self._where = where
        self._admitted = stand_ins()
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in self._admitted:
            raise PruningError(
                f"{self._where} is refused: it asks for {full!r}, which could run code. Expected "
                f"tensors only, that is {', '.join(self._admitted)}. If you trust the file, "
                "open it where PyTorch is and save model.state_dict() alone."
            )
        return self._admitted[full]

    def persistent_load(self, pid: Any) -> Storage:
        if not (isinstance(pid, tuple) and len(pid) in _STORAGE_FIELDS and pid[0] == "storage"):
            raise PruningError(f"{self._where}: expected a storage, received {reprlib.repr(pid)}.")
        _, kind, key, _, numel, *view = pid
        plain = isinstance(kind, str) and isinstance(key, (str, int)) and isinstance(numel, int)
        if not plain or kind not in STORAGES.values() or numel < 0:
            raise PruningError(
                f"{self._where}: expected a typed storage, received {reprlib.repr(pid)}."
            )
        self.storages[str(key)] = whole = Storage(str(key), kind, numel)
        if not view or view[0] is None:
            return whole
        _, start, size = view[0]
        if not 0 <= start <= start + size <= numel:
            raise PruningError(
                f"{self._where}: storage {key!r} of {numel} elements cannot have a part "
                f"{start}:{start + size}; the file is damaged."
            )
        return Storage(str(key), kind, size, start)
