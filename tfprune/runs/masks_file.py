"""Keep masks next to the model: to read, and to apply again without data."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfprune.errors import PruningError
from tfprune.files import read_arrays, write_arrays, write_text


def save_masks(folder: str | os.PathLike, keep: Mapping[str, np.ndarray]) -> None:
    """Write keep masks as `masks.npz` (to load) and `masks.json` (to read, a layer per line).

    Args:
        folder: where to.
        keep: {layer name: bool [C], True = kept}.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> save_masks(folder, {"stem": np.array([True, False])})
        >>> load_masks(folder + "/masks.npz")
        {'stem': array([ True, False])}
    """
    lines = [f"  {json.dumps(name)}: {json.dumps(mask.tolist())}" for name, mask in keep.items()]
    write_text(Path(folder) / "masks.json", "{\n" + ",\n".join(lines) + "\n}\n")
    write_arrays(Path(folder) / "masks.npz", keep)


def load_masks(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the keep masks of a `masks.npz`.

    Args:
        path: the file.

    Returns:
        {layer name: bool [C], True = kept}.

    Raises:
        PruningError: there is no such file, or it is damaged.
    """
    found = read_arrays(
        path,
        "Prune again to write it anew.",
        what="keep masks",
        expected="a masks.npz as prune.py writes it",
        dtype=bool,
    )
    for name, mask in found.items():
        if mask.ndim != 1:
            raise PruningError(
                f"The keep masks {path} are damaged: expected a row of truth values for each "
                f"layer, received {mask.shape} for {name!r}. Prune again to write it anew."
            )
    return found
