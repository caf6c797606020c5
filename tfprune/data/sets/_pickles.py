"""Reading the python version of CIFAR without running what a pickle says.

A pickle is a program. Here NumPy's own functions are not among those that it may call, since they
trust their arguments: stand-ins note what they are told, and the arrays are built from the plain
bytes afterwards, checked first.
"""

import io
import pickle
import pickletools
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import PruningError

_MOST_BYTES = 2**30  # the largest file, CIFAR-100's training images, has 155 MB
_TYPES = {"u1", "i1", "i2", "i4", "i8"}
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}, {"GET", "BINGET", "LONG_BINGET"}
_TUPLES = {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}


def read(path: Path) -> dict[bytes, Any]:
    """Read a file of the python version of CIFAR: a dictionary with byte strings as keys.

    Raises:
        PruningError: the file is missing, cut short, or holds something else.
    """
    if not path.is_file():
        raise PruningError(
            f"The data file {path} is missing. Expected the python version of CIFAR as it is "
            "unpacked from its archive; unpack it again, whole."
        )
    size = path.stat().st_size
    try:
        if size > _MOST_BYTES:
            raise ValueError(f"it is larger than any of its files, at most {_MOST_BYTES} bytes")
        content = path.read_bytes()
        _check(content)
        # From memory: a length that the pickle claims then reserves nothing.
        found = _Restricted(io.BytesIO(content), encoding="bytes").load()
        if isinstance(found, dict):
            return {key: x.array() if isinstance(x, _Array) else x for key, x in found.items()}
    except Exception as error:  # whatever a damaged stream makes of the unpickler
        raise PruningError(
            f"The data file {path} ({size} bytes) cannot be read as the python "
            f"version of CIFAR: {error}. Unpack it again, or download it again."
        ) from error
    raise PruningError(
        f"The data file {path} holds a {type(found).__name__}, expected a dictionary."
    )


def _check(content: bytes) -> None:
    """Refuse what no such file needs and what would cost more than its length.

    A tuple that holds another one twice, and so on for sixty lines, takes 2^60 steps to hash. And
    Python reserves memory up to the highest memo index, which an honest pickle counts up.
    """
    tuples: set[int] = set()
    before, count = "", 0
    for opcode, argument, position in pickletools.genops(content):
        if opcode.name in _PUTS:
            index = count if argument is None else argument
            if index > (position or 0):
                raise ValueError(f"memo index {index} at byte {position}")
            tuples = tuples | {index} if before in _TUPLES else tuples - {index}
            count += 1
        elif opcode.name == "DUP" or (opcode.name in _GETS and argument in tuples):
            raise ValueError(f"it repeats a tuple at byte {position}, which no CIFAR file needs")
        before = opcode.name


class _Restricted(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, **settings: str):
        super().__init__(stream, **settings)
        self._admitted = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        # numpy 2 has renamed the module that old files name.
        full = f"{module}.{name}".replace("numpy._core.", "numpy.core.")
        if full not in self._admitted:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR file needs")
        return self._admitted[full]


class _Noted:
    """Something that a pickle makes and then gives a state, which is kept as it came."""

    def __init__(self, *arguments: Any):
        self.arguments, self.state = arguments, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Type(_Noted):
    """A type of numbers: made of its name, with the order of bytes in its state."""

    def dtype(self) -> np.dtype:
        name = self.arguments[0] if self.arguments else None
        name = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        if not isinstance(name, str) or name not in _TYPES:
            raise ValueError(f"expected numbers of type {', '.join(sorted(_TYPES))}")
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "|"
        big = order in (">", b">")
        return np.dtype(f"{'>' if big else '<'}{name}")


class _Array(_Noted):
    """An array: version, shape, type, whether the first axis runs fastest, and its bytes."""

    def array(self) -> np.ndarray:
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise ValueError("expected an array with shape, type and bytes")
        _, shape, kind, columns_first, data = self.state
        plain = isinstance(shape, tuple) and all(type(x) is int and x >= 0 for x in shape)
        if not (plain and len(shape) <= 4 and isinstance(kind, _Type) and isinstance(data, bytes)):
            raise ValueError("expected an array of whole numbers with its bytes")
        dtype = kind.dtype()
        if prod(shape) * dtype.itemsize != len(data):
            raise ValueError(
                f"expected {prod(shape)} numbers of {dtype}, received {len(data)} bytes"
            )
        flat = np.frombuffer(data, dtype)
        return flat.reshape(shape, order="F" if columns_first else "C")


def _stand_ins() -> Mapping[str, Any]:
    """Return what a file may name, made anew each time: a pickle may set attributes of it."""

    class Array(_Array):
        pass

    class Type(_Type):
        pass

    return {
        "numpy.core.multiarray._reconstruct": Array,
        "numpy.ndarray": "ndarray",
        "numpy.dtype": Type,
    }
