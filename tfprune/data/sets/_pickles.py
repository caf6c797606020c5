"""Reading the python version of CIFAR without running what a pickle says."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.errors import PruningError

_RECONSTRUCT = np.zeros(0).__reduce__()[0]
# Python pickles may call anything; these files need an array and its type, nothing else.
# numpy 2 has renamed the module that old files name.
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR file needs")
        return _ADMITTED[module, name]


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
    try:
        with path.open("rb") as stream:
            content = _Restricted(stream, encoding="bytes").load()
    # A damaged stream makes the unpickler fail in any of these ways.
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError,
            AttributeError, ImportError, MemoryError, UnicodeDecodeError) as error:  # fmt: skip
        raise PruningError(
            f"The data file {path} ({path.stat().st_size} bytes) cannot be read as the python "
            f"version of CIFAR: {error}. Unpack it again, or download it again."
        ) from error
    if not isinstance(content, dict):
        raise PruningError(
            f"The data file {path} holds a {type(content).__name__}, expected a dictionary."
        )
    return content
