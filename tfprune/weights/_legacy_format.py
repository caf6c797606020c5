"""The format of `torch.save` before 1.6: five pickles, then every storage behind its length."""

import mmap
import reprlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.weights import _pickles
from tfprune.weights._state_dict import tensors_of
from tfprune.weights._storage import DTYPES, Storage, as_numbers

_HEADER = [0x1950A86A20F9469CFC6C, 1001]  # the format's mark and its version
_LENGTH = 8  # bytes of a storage's length


def read(path: Path) -> dict[str, np.ndarray]:
    """Return a checkpoint's tensors by name.

    Raises:
        PruningError: the file is damaged, or asks for more than tensors.
    """
    # A mapped file never hands out more than there is, whatever lengths the pickles claim.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for expected in _HEADER:
            _check(_next(data, path), expected, path)
        system = _next(data, path)
        content, storages = _pickles.load(data, str(path))
        big = isinstance(system, dict) and system.get("little_endian") is False
        order = "big" if big else "little"
        places = _places(data, _next(data, path), storages, order, path)

        def flat(storage: Storage) -> np.ndarray:
            size = DTYPES[storage.dtype].itemsize
            begin = places[storage.key] + storage.start * size
            numbers = data[begin : begin + storage.numel * size]
            return as_numbers(numbers, storage.dtype, swapped=order != sys.byteorder)

        windows = tensors_of(content, str(path), len(data))
        return {name: window.read(name, flat) for name, window in windows.items()}


def _next(data: mmap.mmap, path: Path) -> Any:
    content, _ = _pickles.load(data, str(path))
    return content


def _check(received: object, expected: int, path: Path) -> None:
    if received != expected:
        raise PruningError(
            f"{path} is not a PyTorch checkpoint: expected {expected} at its beginning, received "
            f"{reprlib.repr(received):.50}. Expected a file that torch.save wrote (a zip archive, "
            "or the format before 1.6), or one whose name ends in .safetensors."
        )


def _places(
    data: mmap.mmap, keys: Any, storages: Mapping[str, Storage], order: str, path: Path
) -> dict[str, int]:
    """Return where each storage's numbers begin, in bytes."""
    known = isinstance(keys, list) and all(isinstance(key, str | int) for key in keys)
    if not known or sorted(map(str, keys)) != sorted(storages):
        raise PruningError(
            f"{path}: expected a list of the storages {sorted(storages)[:5]}, received "
            f"{reprlib.repr(keys):.100}; the file is damaged."
        )
    places, place = {}, data.tell()
    for key in map(str, keys):
        storage = storages[key]
        numel = int.from_bytes(data[place : place + _LENGTH], order)
        size = storage.numel * DTYPES[storage.dtype].itemsize
        places[key] = place + _LENGTH
        place += _LENGTH + size
        if place > len(data) or numel != storage.numel:
            raise PruningError(
                f"{path}: storage {key!r}: expected {storage.numel} elements in {size} bytes, "
                f"received {numel} elements in {max(len(data) - places[key], 0)} bytes that are "
                "left; the file is damaged. Copy it again if the copy was cut short."
            )
    return places
