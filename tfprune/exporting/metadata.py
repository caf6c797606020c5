"""What a model is and where it comes from, within what was exported, and read back."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata as packages
from pathlib import Path
from typing import Any

import keras

from tfprune import plugins
from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import formats as known
from tfprune.files import atomic_path


def as_text(
    model: keras.Model, metadata: Mapping[str, Any] | None, preprocessing: Preprocessing | None
) -> str:
    """Return what an exported file tells of itself, as JSON.

    Args:
        model: the model; its name is told.
        metadata: what else is to be told, numbers, strings, lists and dicts by name.
        preprocessing: what the model is fed with, and its labels.

    Raises:
        PruningError: something that JSON cannot hold.
    """
    values = {"versions": _versions(), "model": model.name, **(metadata or {})}
    if preprocessing is not None:
        values |= {"labels": preprocessing.labels, "preprocessing": asdict(preprocessing)}
    try:
        return json.dumps(values, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PruningError(
            f"export: metadata must be numbers, strings, lists and dicts, received {metadata!r}: "
            f"{error}."
        ) from error


def write_metadata(
    path: str | os.PathLike,
    model: keras.Model,
    metadata: Mapping[str, Any] | None = None,
    preprocessing: Preprocessing | None = None,
) -> None:
    """Let a saved `.keras` file tell of itself what exported files do.

    Args:
        path: the file; Keras reads it as before.
        model: what was saved.
        metadata: as for `tfprune.export`.
        preprocessing: as for `tfprune.export`.

    Raises:
        PruningError: something that JSON cannot hold.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/small.keras"
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="small")
        >>> model.save(path)
        >>> write_metadata(path, model, {"method": "l1"})
        >>> read_metadata(path)["method"]
        'l1'
    """
    text = as_text(model, metadata, preprocessing)
    with atomic_path(path) as temporary:
        shutil.copyfile(path, temporary)
        plugins.find(known, "keras", "export format").hold(temporary, text)


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Return what an exported file or folder tells of itself.

    Args:
        path: what `tfprune.export` has returned, of any format.

    Returns:
        "versions" (of packages), "model" (its name), what was passed as `metadata`, such as
        "method", "amount", "scores" and "original" (fingerprints), and, where the model came with
        its preprocessing, "labels" and "preprocessing".

    Raises:
        PruningError: there is nothing of that name, or nothing is told there.

    Example:
        >>> import keras, tempfile, tfprune
        >>> image = keras.Input((4,), name="image")
        >>> model = keras.Model(image, keras.layers.Dense(2)(image), name="small")
        >>> paths = tfprune.export(model, tempfile.mkdtemp(), formats=["keras"],
        ...                        metadata={"method": "gfbs", "amount": {"ratio": 0.5}})
        >>> read_metadata(paths["keras"])["amount"]
        {'ratio': 0.5}
    """
    path = Path(path)
    if not path.exists():
        raise PruningError(f"There is no exported file or folder {path}; check the path.")
    for name in plugins.names(known):
        module = plugins.find(known, name, "export format")
        text = module.held(path)
        if text is not None:
            return json.loads(text)
    raise PruningError(
        f"{path} tells nothing of itself. Expected what tfprune.export has written, in one of the "
        f"formats {', '.join(plugins.names(known))}; export the model again."
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in ("tfprune", "tensorflow", "keras"):
        with contextlib.suppress(packages.PackageNotFoundError):  # a repository on the path
            found[name] = packages.version(name)
    return found
