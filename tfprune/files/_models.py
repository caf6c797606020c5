"""Models: saved whole or not at all, and loaded with errors a user can act on."""

import os
import textwrap
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras

from tfprune.errors import PruningError
from tfprune.files._atomic import atomic_path
from tfprune.files._system_errors import usable

_SUFFIXES = (".keras", ".h5", ".hdf5")
_MOST_TIMES, _FREE = 100, 2**28


def save_model(model: keras.Model, path: str | os.PathLike) -> None:
    """Save a model as a `.keras` file, whole or not at all.

    Args:
        model: any Keras model.
        path: where to; the name must end in `.keras`.

    Raises:
        PruningError: the name ends in something else.
    """
    _require_suffix(Path(path), (".keras",))
    with atomic_path(path) as temporary:
        model.save(temporary)


def load_model(path: str | os.PathLike, *, compiled: bool = False) -> keras.Model:
    """Load a `.keras` or `.h5` file, with an error that names the file when that fails.

    Args:
        path: the file; `.h5` (or `.hdf5`) is what Keras 2 wrote, and what Keras 3 still reads of
            stock layers.
        compiled: also restore the optimizer and the losses; only training needs them.

    Returns:
        The model.

    Raises:
        PruningError: there is no such file, it is of another kind, or Keras cannot read it
            (truncated, damaged, or made of layers that are not registered here).
    """
    path = usable(path)
    _require_suffix(path, _SUFFIXES)
    if not path.is_file():
        raise PruningError(
            f"There is no model file {path}. Expected a .keras or .h5 file, as model.save() and "
            "train.py write it; check the path."
        )
    known_kind = zipfile.is_zipfile if path.suffix == ".keras" else h5py.is_hdf5
    if not known_kind(path):  # Keras would say that it is not there
        raise PruningError(
            f"The model file {path} ({path.stat().st_size} bytes) cannot be loaded: it is "
            f"truncated or no {path.suffix} file. Write it again, or copy it again if the "
            "copy was cut short."
        )
    if path.suffix == ".keras":
        _require_possible(path)
    try:
        return keras.models.load_model(path, compile=compiled)
    except Exception as error:  # Keras raises ValueError, KeyError, OSError, BadZipFile, ...
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 500)
        if path.suffix != ".keras":
            raise PruningError(_hdf5_refusal(path, reason)) from error
        raise PruningError(
            f"The model file {path} ({path.stat().st_size} bytes) cannot be loaded. Expected a "
            f"complete .keras file; received one that Keras {keras.version()} refuses: "
            f"{reason} Write it again, or copy it again if the copy was "
            "cut short; a model with layers of your own needs their module imported first."
        ) from error


def _require_possible(path: Path) -> None:
    """Refuse a file that would inflate to far more than it is: Keras reads it whole."""
    with zipfile.ZipFile(path) as archive:
        inflated = sum(entry.file_size for entry in archive.infolist())
    size = path.stat().st_size
    if inflated > _MOST_TIMES * size + _FREE:
        raise PruningError(
            f"The model file {path} is refused: its {size} bytes would become {inflated}. Expected "
            f"at most {_MOST_TIMES} times as many. Save the model again by model.save()."
        )


def _hdf5_refusal(path: Path, reason: str) -> str:
    try:
        with h5py.File(path) as file:
            version = file.attrs.get("keras_version", "unknown")
            whole = "model_config" in file.attrs
    except OSError as error:
        return f"The model file {path} is damaged: {error}. Copy it again."
    version = version.decode() if isinstance(version, bytes) else version
    if not whole:
        return (
            f"The model file {path} holds weights only, no model. Build the network and call its "
            "load_weights(path), then save it with model.save('name.keras')."
        )
    return (
        f"The model file {path} was written by Keras {version} and Keras {keras.version()} cannot "
        f"read it: {reason} Expected a .keras file, or an .h5 of layers that are still as they "
        "were. Build the network in this Keras, call its load_weights(path) and save it with "
        "model.save('name.keras'); a model with layers of your own needs their module imported "
        "first."
    )


def _require_suffix(path: Path, valid: Sequence[str]) -> None:
    if path.suffix not in valid:
        raise PruningError(
            f"A model file's name must end in {' or '.join(valid)}, received {str(path)!r}. Other "
            "formats are written by tfprune.export."
        )
