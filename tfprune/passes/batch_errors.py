"""Tell what a batch is like that a model cannot take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.passes.batches import MISFITS, misfit


@contextmanager
def describing(what: str, batch: Any) -> Iterator[None]:
    """Let what Keras or TensorFlow refuse be told by the shapes of the batch.

    Args:
        what: what the batch holds, e.g. "inputs and labels".
        batch: arrays or tensors, nested as they come.

    Raises:
        PruningError: within, one of `tfprune.passes.batches.MISFITS` was raised.

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
    except MISFITS as error:
        flat = keras.tree.flatten(batch)
        shapes = [tuple(x.shape) if hasattr(x, "shape") else x for x in flat]
        raise misfit(error, f"{what} of shapes {shapes}") from error
