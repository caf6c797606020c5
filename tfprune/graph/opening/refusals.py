"""What is said of a layer that cannot be opened: which one, where in its code, and why."""

import contextlib
import os
import traceback
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError

_MACHINERY = (
    # With the separator at the end: keras_hub lies beside keras.
    *(f"{Path(module).parent}{os.sep}" for module in (keras.__file__, tf.__file__)),
    f"{Path(__file__).parents[2]}{os.sep}",  # tfprune
    contextlib.__file__,
)


class NotEqualError(PruningError):
    """What came out of a model does not compute the same, or not for all sizes.

    Args:
        model: the model's name.
        why: what is wrong with it.
    """

    def __init__(self, model: str, why: str):
        super().__init__(f"Model {model!r} cannot be opened: {why}")
        self.why = why


class NotOpenedError(PruningError):
    """A composite layer or a subclassed model whose call cannot be traced."""

    @classmethod
    def of(cls, layer: Any, path: str, error: Exception) -> "NotOpenedError":
        """Return the error for a layer.

        Args:
            layer: the layer.
            path: its name in the opened model.
            error: what its call raised.
        """
        return cls.because(layer, path, reason(error))

    @classmethod
    def because(cls, layer: Any, path: str, why: str) -> "NotOpenedError":
        """Return the error for a layer.

        Args:
            layer: the layer.
            path: its name in the opened model.
            why: what is wrong with its call.
        """
        return cls(
            f"Layer {path!r} ({type(layer).__name__}) cannot be opened: {why}. Expected "
            "a call made of layers and keras.ops on tensors, whose way does not depend on the "
            "data and which changes no state. Write it so, teach the layer with @tfprune.rule, or "
            f"leave it whole: keep=[{path!r}]."
        )


def reason(error: Exception) -> str:
    """Return why a call cannot be traced, with the line of the user's code.

    Args:
        error: what it raised.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_MACHINERY)]
    why = _why(error)
    if not own:
        return why
    last = own[-1]
    return f"{why} ({Path(last.filename).name}, line {last.lineno}: {(last.line or '').strip()!r})"


def _why(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if text.startswith("A KerasTensor cannot be used as input to a TensorFlow function"):
        return "it calls a function of TensorFlow's that has no counterpart in Keras"
    if text.startswith("`add_loss()`"):
        return "it adds a loss of its own, which no stock layer does"
    if "symbolic" in text or "KerasTensor" in text:
        if "bool" in text or "control flow" in text or "condition" in text:
            return f"its way depends on the data: {text}"
        if "assign" in text:
            return f"it changes a weight: {text}"
    return text
