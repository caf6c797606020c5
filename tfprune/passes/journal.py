"""The results of one pass over data, written part by part and read back after a kill."""

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.files import explaining, make_folder

MOST_OF_A_PART = 2**20  # bytes: whole maps take longer to keep than to make
MOST = 2**30  # bytes of a pass; what comes later is made again
_HEAD = struct.Struct("<IIQ")  # checksum of the part's samples, that of the record, its length
_Flat = list[np.ndarray]


class Journal:
    """Results in the order of the parts; a record that was cut short ends it.

    A result is taken from here if the part holds the same samples as then. The parts of the first
    round are computed always: they show how results are nested.

    Args:
        path: the file; made with the first result. None: nothing is kept.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pass.bin"
        >>> parts = [(np.arange(3),)], [(np.arange(5),)]
        >>> for find in (lambda: [{"sum": np.ones(2)}], lambda: [{"sum": np.zeros(2)}]):
        ...     journal = Journal(path)
        ...     marks = [lambda some=some: map(checksum, some) for some in parts]
        ...     print([journal.results(mark, find)[0]["sum"].tolist() for mark in marks])
        ...     journal.close()
        [[1.0, 1.0], [1.0, 1.0]]
        [[0.0, 0.0], [1.0, 1.0]]
    """

    def __init__(self, path: Path | None):
        self._path = path
        self._file: BufferedRandom | None = None
        self._template: Any = None
        self._reading = path is not None and path.is_file()
        self._writing = path is not None
        if self._reading:
            with explaining(path, "read"):
                self._file = path.open("r+b")

    def results(
        self, marks: Callable[[], Iterable[int]], find: Callable[[], list[Any]]
    ) -> list[Any]:
        """Return the result of each part of one round, kept ones or those that `find` returns.

        Args:
            marks: returns the checksum of each part; only called where something is kept.
            find: computes the results of all of them.
        """
        if not self._writing:
            return find()
        marks = list(marks())
        kept = self._kept(marks)
        if kept is not None and self._template is not None:
            return [keras.tree.pack_sequence_as(self._template, arrays) for arrays in kept]
        found = find()
        self._template = found[0]
        if kept is None:
            self._keep(marks, found)
        if not self._writing:
            self._template = None  # it holds the arrays of a part
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _kept(self, marks: Sequence[int]) -> list[_Flat] | None:
        """Return the next results; None, from then on, where they are not of these samples."""
        if not self._reading:
            return None
        begin = self._file.tell()
        found = [self._record(mark) for mark in marks]
        nested = None if self._template is None else len(keras.tree.flatten(self._template))
        if any(x is None or nested not in (None, len(x)) for x in found):
            self._reading = False
            self._file.seek(begin)
            self._file.truncate()
            return None
        return found

    def _record(self, mark: int) -> _Flat | None:
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        samples, own, length = _HEAD.unpack(head)
        if samples != mark or length > MOST_OF_A_PART + 2**16:
            return None
        text = self._file.read(length)
        return _unpacked(text) if len(text) == length and zlib.crc32(text) == own else None

    def _keep(self, marks: Sequence[int], found: Sequence[Any]) -> None:
        flat = [[np.asarray(x) for x in keras.tree.flatten(each)] for each in found]
        if any(sum(x.nbytes for x in each) > MOST_OF_A_PART for each in flat):
            self._writing = False
            return
        with explaining(self._path, "written"):
            if self._file is None:
                make_folder(self._path.parent)
                self._file = self._path.open("w+b")
            for mark, each in zip(marks, flat, strict=True):
                text = _packed(each)
                self._file.write(_HEAD.pack(mark, zlib.crc32(text), len(text)) + text)
            self._file.flush()  # what the system has outlives a kill of this process
            self._writing = self._file.tell() < MOST


NOTHING_KEPT = Journal(None)


def checksum(part: Any) -> int:
    """Return what tells a part's samples from others.

    Args:
        part: arrays, nested.
    """
    found = 0
    for array in map(keras.ops.convert_to_numpy, keras.tree.flatten(part)):
        words = array.dtype == object
        text = repr(array.tolist()).encode() if words else np.ascontiguousarray(array).tobytes()
        about = f"{array.dtype.name} {array.shape} ".encode()  # else 2 x 8 were taken for 4 x 4
        found = zlib.crc32(about + text, found)
    return found


def _packed(arrays: _Flat) -> bytes:
    about = json.dumps([[_kind(x.dtype), x.shape] for x in arrays]).encode()
    parts = (np.ascontiguousarray(x).tobytes() for x in arrays)
    return b"".join([len(about).to_bytes(4, "little"), about, *parts])


def _kind(dtype: np.dtype) -> str:
    return dtype.name if dtype.kind == "V" else dtype.str  # bfloat16 is "<V2", bytes, to NumPy


def _unpacked(text: bytes) -> _Flat:
    place = 4 + int.from_bytes(text[:4], "little")
    found = []
    for kind, shape in json.loads(text[4:place]):
        count = int(np.prod(shape))
        found.append(np.frombuffer(text, kind, count, place).reshape(shape))
        place += found[-1].nbytes
    return found
