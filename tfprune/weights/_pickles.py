"""Pickles of tensors, read without running anything that they name.

A pickle is a program: it may name any function and have it called. Here a name is looked up in a
short list of stand-ins of our own, and any other name ends the reading before its module is even
imported.
"""

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

from tfprune.errors import PruningError
from tfprune.weights._storage import Storage, Window

_STORAGES = MappingProxyType(
    {
        "DoubleStorage": "float64",
        "FloatStorage": "float32",
        "HalfStorage": "float16",
        "BFloat16Storage": "bfloat16",
        "LongStorage": "int64",
        "IntStorage": "int32",
        "ShortStorage": "int16",
        "CharStorage": "int8",
        "ByteStorage": "uint8",
        "BoolStorage": "bool",
    }
)
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
        _check_memo(stream)
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


def _check_memo(stream: BinaryIO) -> None:
    # Python reserves memory up to the highest memo index before it uses it: a pickle of ten bytes
    # can ask for gigabytes. An honest one counts up, hence stays below its own length.
    for opcode, argument, position in pickletools.genops(stream):
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and argument > position:
            raise ValueError(f"memo index {argument} at byte {position}")


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, where: str):
        super().__init__(stream, encoding="utf-8")
        self._where = where
        self._admitted = _stand_ins()
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
            raise PruningError(f"{self._where}: expected a storage, received {pid!r:.100}.")
        _, kind, key, _, numel, *view = pid
        if kind not in _STORAGES.values() or not isinstance(numel, int) or numel < 0:
            raise PruningError(f"{self._where}: expected a typed storage, received {pid!r:.100}.")
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


def _stand_ins() -> Mapping[str, Any]:
    """Return what a pickle may name, made anew each time.

    A pickle may set attributes of what it names; so nothing here lives longer than one reading,
    but for what is immutable: `OrderedDict`, `tuple`, and texts, which stand for storage types.
    """

    def rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *flags: Any) -> Window:
        return Window(storage, offset, shape, strides)

    named = {
        "collections.OrderedDict": OrderedDict,
        "torch._utils._rebuild_tensor": rebuild,
        "torch._utils._rebuild_tensor_v2": rebuild,
        "torch._utils._rebuild_parameter": lambda data, *flags: data,
        "torch.nn.parameter.Parameter": _parameter(),
        "torch.Size": tuple,
        # Beside the weights a checkpoint of a training holds its arguments and its schedule.
        "argparse.Namespace": _inert(),
        "collections.Counter": _inert(),
    }
    places = ("torch", "torch.cuda")
    return named | {f"{p}.{kind}": dtype for kind, dtype in _STORAGES.items() for p in places}


def _parameter() -> type:
    class Parameter:
        """Before PyTorch 0.4 a parameter was made as an object around its tensor."""

        def __new__(cls, data: Any = None, *flags: Any) -> Any:
            return data

    return Parameter


def _inert() -> type:
    class Inert:
        """Takes the place of an object that is not wanted, and drops its contents."""

        def __init__(self, *arguments: Any):
            del arguments

        def __setstate__(self, state: object) -> None:
            del state

    return Inert
