"""Arrays by name in one file, as NumPy's own `.npz`, whole or not at all."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfprune.errors import PruningError
from tfprune.files._atomic import atomic_path


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, for `numpy.load` or `read_arrays`.

    NumPy's own `savez` takes names as keywords: an array called "file" could not be saved.

    Args:
        path: the file, `.npz`.
        arrays: {name: array}, no objects.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/masks.npz"
        >>> write_arrays(path, {"file": np.array([True, False])})
        >>> read_arrays(path, "Write it again.")
        {'file': array([ True, False])}
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as z:
        for name, array in arrays.items():
            with z.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


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
            return {name: np.asarray(arrays[name], dtype) for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise PruningError(
            f"The {what} {path} cannot be read. Expected {expected}; received "
            f"{type(error).__name__}: {error}. {remedy}"
        ) from error
