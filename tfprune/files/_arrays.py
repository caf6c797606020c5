"""Arrays by name in one file, as NumPy's own `.npz`, whole or not at all."""

import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfprune.errors import PruningError
from tfprune.files._atomic import atomic_path

# What numpy, zipfile and the parser of headers raise about files of other contents.
DAMAGED = (
    OSError,
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    RecursionError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
)


def write_arrays(
    path: str | os.PathLike, arrays: Mapping[str, np.ndarray], *, packed: bool = True
) -> None:
    """Write arrays by name, for `numpy.load` or `read_arrays`.

    NumPy's own `savez` takes names as keywords: an array called "file" could not be saved.

    Args:
        path: the file, `.npz`.
        arrays: {name: array}, no objects.
        packed: whether they are compressed, which takes long.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/masks.npz"
        >>> write_arrays(path, {"file": np.array([True, False])})
        >>> read_arrays(path, "Write it again.")
        {'file': array([ True, False])}
    """
    way = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", way) as z:
        for name, array in arrays.items():
            with z.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def require_array(name: str, value: np.ndarray | bytes) -> np.ndarray:
    """Return a member of a `.npz`; of one without a header NumPy gives the bytes.

    Raises:
        ValueError: it has none.
    """
    if isinstance(value, bytes):
        raise ValueError(f"{name!r} is no array")
    return value


def read_arrays(
    path: str | os.PathLike,
    remedy: str,
    *,
    what: str = "arrays",
    expected: str = "an .npz of arrays",
    dtype: type | None = None,
) -> dict[str, np.ndarray]:
    """Return the arrays of a `.npz` by name; no code is run from it.

    Args:
        path: the file.
        remedy: what to do about one that is damaged, a sentence.
        what: the arrays are, for the error.
        expected: the file is, for the error.
        dtype: of the arrays that are returned; None: as they lie there.

    Raises:
        PruningError: there is no such file, or it is damaged.
    """
    try:
        with Path(path).open("rb") as file, np.load(file) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return {name: np.asarray(require_array(name, x), dtype) for name, x in found.items()}
    except DAMAGED as error:
        raise PruningError(
            f"The {what} {path} cannot be read. Expected {expected}; received "
            f"{type(error).__name__}: {error}. {remedy}"
        ) from error
