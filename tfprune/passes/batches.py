"""Whatever holds batches, as pairs of inputs and labels."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError

# What Keras raises while it traces a step, and TensorFlow while it runs one.
MISFITS = (
    ValueError,
    TypeError,
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
)
ARRAY_BATCH = 256  # samples per batch where plain arrays are given


def pairs(batches: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (inputs, labels) of each batch; labels are None where there are none.

    Args:
        batches: a tf.data.Dataset, a keras PyDataset, an array [N, ...], a tuple of arrays
            (inputs, labels), or any iterable of inputs or (inputs, labels).

    Raises:
        PruningError: something that holds no batches.
    """
    if isinstance(batches, np.ndarray):
        batches = (batches, None)
    if isinstance(batches, tuple) and len(batches) == 2 and _is_array(batches[0]):
        yield from _cut(*batches)
    elif isinstance(batches, keras.utils.PyDataset):
        yield from (_pair(batches[i]) for i in range(len(batches)))
    elif isinstance(batches, Iterable) and not isinstance(batches, str | bytes | dict):
        yield from map(_pair, batches)
    else:
        raise PruningError(
            "Expected batches as a tf.data.Dataset, a PyDataset, arrays (inputs, labels) or an "
            f"iterable of them; received {type(batches).__name__}."
        )


def labelled(batches: Any, user: str) -> Iterator[tuple[Any, Any]]:
    """Yield (inputs, labels) of each batch, and refuse batches without labels.

    Args:
        batches: as for `pairs`.
        user: what needs the labels, for the error message, e.g. "criterion 'gfbs'".
    """
    if batches is None:
        raise PruningError(f"{user} needs data: pass batches of (inputs, labels); received None.")
    for inputs, labels in pairs(batches):
        if labels is None:
            raise PruningError(f"{user} needs labels: pass batches of (inputs, labels).")
        yield inputs, labels


def require_rereadable(batches: Any, why: str) -> None:
    """Refuse an iterator, which can be read only once.

    Args:
        batches: as for `pairs`, or None.
        why: why that is not enough, for the error message.
    """
    if isinstance(batches, Iterator):
        raise PruningError(
            f"{why}, which an iterator does not allow. Pass a list, arrays or a dataset; received "
            f"{type(batches).__name__}."
        )


def misfit(error: Exception, received: object, hint: str = "") -> PruningError:
    """Return the error for a batch that the model or the loss cannot take.

    Args:
        error: what Keras or TensorFlow said, one of `MISFITS`.
        received: what the batch is like.
        hint: what else to do.
    """
    return PruningError(
        f"A batch does not suit the model or the loss: received {received}; "
        f"{type(error).__name__}: {textwrap.shorten(str(error), 300)} Expected the model's inputs, "
        f"and labels that the loss takes: class numbers from 0 unless it is another one{hint}."
    )


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype") and np.ndim(value) > 0


def _cut(inputs: Any, labels: Any) -> Iterator[tuple[Any, Any]]:
    if labels is not None and len(inputs) != len(labels):
        raise PruningError(
            f"Arrays of batches: {len(inputs)} inputs, but {len(labels)} labels. Give one each."
        )
    for start in range(0, len(inputs), ARRAY_BATCH):
        part = slice(start, start + ARRAY_BATCH)
        yield inputs[part], None if labels is None else labels[part]


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, tuple | list) and len(batch) > 1:
        return batch[0], batch[1]
    return (batch[0] if isinstance(batch, tuple | list) else batch), None
