"""The format of `torch.save` since 1.6: a zip archive with a pickle and one file per storage."""

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from tfprune.errors import PruningError
from tfprune.weights import _pickles
from tfprune.weights._state_dict import tensors_of
from tfprune.weights._storage import DTYPES, Storage, as_numbers


def read(path: Path) -> dict[str, np.ndarray]:
    """Return a checkpoint's tensors by name.

    Raises:
        PruningError: the archive is damaged, or asks for more than tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(path, archive).read()
    except PruningError:
        raise
    except Exception as error:  # zipfile raises many kinds: BadZipFile, EOFError, ValueError, ...
        raise PruningError(
            f"{path} cannot be read: expected a whole zip archive as torch.save writes it, "
            f"received {path.stat().st_size} bytes with the error: {error}. Copy it again if the "
            "copy was cut short."
        ) from error


class _Archive:
    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path = path
        self._archive = archive
        self._root = self._find_root()
        self._swapped = self._byte_order() != sys.byteorder
        self._read: dict[Storage, np.ndarray] = {}

    def read(self) -> dict[str, np.ndarray]:
        content, _ = _pickles.load(io.BytesIO(self._bytes("data.pkl")), str(self._path))
        windows = tensors_of(content, str(self._path), os.path.getsize(self._path))
        return {name: window.read(name, self._flat) for name, window in windows.items()}

    def _find_root(self) -> str:
        found = [n for n in self._archive.namelist() if n.count("/") == 1 and n[-9:] == "/data.pkl"]
        if len(found) != 1:
            raise PruningError(
                f"{self._path}: expected a zip archive with one <name>/data.pkl, as torch.save "
                f"writes it, received {len(found)} of them."
            )
        return found[0].removesuffix("data.pkl")

    def _byte_order(self) -> str:
        known = f"{self._root}byteorder" in self._archive.namelist()  # written since 2.1
        return self._bytes("byteorder").decode("ascii", "replace") if known else "little"

    def _flat(self, storage: Storage) -> np.ndarray:
        if storage not in self._read:
            size = storage.numel * DTYPES[storage.dtype].itemsize
            data = self._bytes(f"data/{storage.key}", size)
            self._read[storage] = as_numbers(data, storage.dtype, swapped=self._swapped)
        return self._read[storage]

    def _bytes(self, name: str, expected: int | None = None) -> bytes:
        full = f"{self._root}{name}"
        try:
            entry = self._archive.getinfo(full)
        except KeyError:
            raise PruningError(f"{self._path}: there is no entry {full!r}.") from None
        # Checked before anything is read: what an archive says of itself is not to be believed.
        whole = os.path.getsize(self._path)
        held = min(entry.file_size, max(whole - entry.header_offset, 0))
        wanted = entry.file_size if expected is None else expected
        if entry.compress_type != zipfile.ZIP_STORED or held != wanted:
            raise PruningError(
                f"{self._path}: entry {full!r}: expected {wanted} bytes, not compressed, "
                f"received {held}; the file is damaged."
            )
        return self._archive.read(entry)
