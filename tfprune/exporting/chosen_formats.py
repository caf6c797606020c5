"""Formats chosen by their names, and what is told of each."""

from collections.abc import Sequence
from types import ModuleType

import keras

from tfprune import plugins
from tfprune.errors import PruningError
from tfprune.exporting import _signature, formats


def require_formats(model: keras.Model, names: Sequence[str]) -> dict[str, ModuleType]:
    """Find formats by name and refuse those that cannot hold a model, before a long training.

    Args:
        model: the model, or one of the same layers.
        names: of formats.

    Returns:
        {name: module}

    Raises:
        PruningError: an unknown or repeated format, a missing optional package, or a model that
            the format cannot hold.

    Example:
        >>> import keras
        >>> image = keras.Input((4,), name="image")
        >>> list(require_formats(keras.Model(image, image), ["keras"]))
        ['keras']
    """
    if isinstance(names, str) or not names or len(set(names)) != len(names):
        raise PruningError(
            "formats must be a non-empty sequence of different names, received "
            f"{names!r}. Valid names: {', '.join(plugins.names(formats))}."
        )
    found = {name: find_format(name) for name in names}
    _signature.require_graph(model)
    for module in found.values():
        module.refuse(model)
    return found


def find_format(name: str) -> ModuleType:
    """Return the module of a format.

    Raises:
        PruningError: an unknown name.
    """
    return plugins.find(formats, name, "export format")


def quantised(names: Sequence[str]) -> list[str]:
    """Return those formats that need representative data.

    Example:
        >>> quantised(["saved_model", "tflite_int8"])
        ['tflite_int8']
    """
    return [name for name in names if measures_ranges(find_format(name))]


def measures_ranges(module: ModuleType) -> bool:
    """Return whether a format measures the ranges of values, for which it needs samples."""
    return getattr(module, "MEASURES", False)


def is_numbered(module: ModuleType) -> bool:
    """Return whether a format's folders are versions, each with the next number."""
    return getattr(module, "NUMBERED", False)
