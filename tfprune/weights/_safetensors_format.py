"""The safetensors format: a JSON header of names, types, shapes and places, then the numbers.

Its own library cannot give bfloat16 to numpy, and does not say by how many bytes a file is short.
"""

import json
import sys
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import PruningError
from tfprune.weights._state_dict import without_wrappers
from tfprune.weights._storage import DTYPES, as_numbers, is_possible

_LENGTH = 8  # bytes of the header's length
_MOST = 100_000_000  # bytes of a header, the format's own bound
_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def read(path: Path) -> dict[str, np.ndarray]:
    """Return a file's tensors by name.

    Raises:
        PruningError: the file is damaged, or holds numbers of another type.
    """
    with path.open("rb") as file:
        left = path.stat().st_size - _LENGTH
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > left:
            raise PruningError(
                f"{path}: expected a header of {length} bytes, received {max(left, 0)} that are "
                "left; this is no .safetensors file, or it was cut short."
            )
        if length > _MOST:
            raise PruningError(
                f"{path}: expected a header of at most {_MOST} bytes, as the format has it, "
                f"received one of {length}; the file is damaged."
            )
        header = _parse(file.read(length), path)
        _check(header, left - length, path)
        data = memoryview(file.read())
    tensors = {name: _tensor(data, entry) for name, entry in header.items()}
    return without_wrappers(tensors)


def _parse(text: bytes, path: Path) -> dict[str, Any]:
    try:
        header = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise PruningError(
            f"{path}: expected a JSON header of tensors, received one that fails with "
            f"{type(error).__name__}: {error}; the file is damaged."
        ) from error
    header.pop("__metadata__", None)
    return header


def _check(header: dict[str, Any], size: int, path: Path) -> None:
    """Refuse a header that does not describe all `size` bytes behind it exactly once."""
    place = 0
    for begin, end, needed, name in _spans(header, path):
        if begin != place or end - begin != needed:
            raise PruningError(
                f"{path}: tensor {name!r}: expected {needed} bytes from byte {place} on, received "
                f"those from {begin} to {end}; the file is damaged."
            )
        place = end
    if place != size:
        raise PruningError(
            f"{path}: expected {place} bytes of numbers, received {size}; the file is damaged. "
            "Copy it again if the copy was cut short."
        )


def _spans(header: dict[str, Any], path: Path) -> list[tuple[int, int, int, str]]:
    """Return begin, end and needed bytes of every tensor, in the file's order."""
    spans = []
    for name, entry in header.items():
        try:
            begin, end = entry["data_offsets"]
            shape = [range(size).stop for size in entry["shape"]]  # whole numbers, or a TypeError
            needed = prod(shape) * DTYPES[_NAMES[entry["dtype"]]].itemsize
            spans.append((range(begin).stop, range(end).stop, needed, name))
        except (KeyError, TypeError, ValueError) as error:
            raise PruningError(
                f"{path}: tensor {name!r}: expected a dtype among {', '.join(_NAMES)}, a shape and "
                f"two data_offsets, received {entry!r:.200}."
            ) from error
        if min(shape, default=0) < 0 or not is_possible(shape):
            raise PruningError(
                f"{path}: tensor {name!r}: expected a possible shape, received {shape!r:.200}."
            )
    return sorted(spans)


def _tensor(data: memoryview, entry: dict[str, Any]) -> np.ndarray:
    begin, end = entry["data_offsets"]
    swapped = sys.byteorder != "little"
    return as_numbers(data[begin:end], _NAMES[entry["dtype"]], swapped=swapped).reshape(
        entry["shape"]
    )
