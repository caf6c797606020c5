"""Errors that describe a batch which a model cannot take."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError

# What Keras raises while it traces a step, and TensorFlow while it runs one.
UNSUITABLE = (
    ValueError,
    TypeError,
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
)


@contextmanager
def describing(what: str, batch: Any, hint: str = "") -> Iterator[None]:
    """Let what Keras or TensorFlow refuse be told by the shapes of the batch.

    Args:
        what: what the batch holds, e.g. "inputs and labels".
        batch: arrays or tensors, nested as they come.
        hint: what else to do.

    Raises:
        PruningError: within, one of `UNSUITABLE` was raised.

    Example:
        >>> import numpy as np
        >>> with describing("inputs", np.ones((2, 3))):
        ...     raise ValueError("too small")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: A batch does not suit ... inputs of shapes [(2, 3)]; ...
    """
    try:
        yield
    except PruningError:  # says itself what is wrong
        raise
    except UNSUITABLE as error:
        flat = keras.tree.flatten(batch)
        shapes = [tuple(x.shape) if hasattr(x, "shape") else x for x in flat]
        raise unsuitable_batch(error, f"{what} of shapes {shapes}", hint) from error


def unsuitable_batch(error: Exception, received: object, hint: str = "") -> PruningError:
    """Return the error for a batch that the model or the loss cannot take.

    Args:
        error: what Keras or TensorFlow said, one of `UNSUITABLE`.
        received: what the batch is like.
        hint: what else to do.
    """
    return PruningError(
        f"A batch does not suit the model or the loss: received {received}; "
        f"{type(error).__name__}: {textwrap.shorten(str(error), 300)} Expected the model's inputs, "
        f"and labels that the loss takes: class numbers from 0 unless it is another one{hint}."
    )
