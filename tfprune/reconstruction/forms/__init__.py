"""How a layer is a matrix: what it multiplies (its columns), and where the result lies.

One file per kind of layer; `find` returns None for a layer that is not understood as a matrix.
"""

from typing import Any

from tfprune.reconstruction.forms import einsum, gain, windows
from tfprune.reconstruction.forms._form import Form

__all__ = ["Form", "find"]

_FINDERS = (windows.find, einsum.find, gain.find)


def find(layer: Any) -> Form | None:
    """Return the form of a layer.

    Args:
        layer: a built layer without an activation of its own.

    Example:
        >>> import keras
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> find(dense).matrix().shape
        (1, 4, 3)
    """
    adapted = getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None)
    if adapted or not getattr(layer, "weights", ()):
        return None
    found = (find(layer) for find in _FINDERS)
    return next((form for form in found if form is not None), None)
