"""Data in any of the accepted forms, read batch by batch.

Everything that takes data takes the same forms. Two of them hold all samples at once and are cut
into batches here: an array, a tuple of arrays (inputs, labels, weights), a dictionary of inputs
by name, or a list with one array for each of the model's several inputs. All others come in
batches: a `tf.data.Dataset`, a distributed dataset, a `keras.utils.PyDataset`, an object whose
`epoch(e)` is the Dataset of epoch e (`split.epochs(...)`), a list of batches and any other
iterable. What a batch may be, `tfprune.passes.batch` says.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.checks import check_whole
from tfprune.errors import PruningError
from tfprune.passes.batch import Batch, as_batch, described, is_array, is_inputs
from tfprune.passes.replicas import Replicas

ARRAY_BATCH = 256  # samples per batch where arrays hold all samples


def read(
    data: Any,
    model: keras.Model | None,
    user: str,
    *,
    labels: bool = False,
    weights: bool = False,
    limit: int | None = None,
    batch_size: int = ARRAY_BATCH,
) -> Iterator[Batch]:
    """Yield the batches of data, of the first epoch where they are of several.

    Args:
        data: in one of the forms above.
        model: the model that the inputs are for; they come nested as its own. None: a model with
            one input.
        user: what reads them, for error messages, e.g. "criterion 'gfbs'".
        labels: whether labels are needed; what needs none reads no weights either.
        weights: whether what needs labels counts with sample weights, where there are any.
        limit: batches to read at most; None: all.
        batch_size: samples per batch where arrays hold all samples.

    Raises:
        PruningError: no data, no batch, another form, labels that are missing, weights without
            effect, inputs that are not the model's, or data without an end and no limit.

    Example:
        >>> images, numbers = np.zeros((5, 3)), np.arange(5)
        >>> batches = read((images, numbers), None, "the example", labels=True, batch_size=4)
        >>> [batch.labels.tolist() for batch in batches]
        [[0, 1, 2, 3], [4]]
    """
    wanted = "(inputs, labels)" if labels else "inputs"
    if data is None:
        raise PruningError(f"{user} needs data: pass batches of {wanted}; received None.")
    check_whole("batch_size", batch_size)
    if limit is not None:
        check_whole("limit", limit)
        limit = min(limit, sys.maxsize)
    empty = True
    for batch in islice(_batches(data, model, user, batch_size, limit), limit):
        if labels and batch.labels is None:
            raise PruningError(
                f"{user} needs labels: pass batches of (inputs, labels), each a tuple; received "
                f"{described(batch.inputs)} alone."
            )
        if labels and not weights and batch.weights is not None:
            raise PruningError(f"{user} takes no sample weights: leave them out.")
        batch.require_equal_sizes(user)
        empty = empty and not batch.size
        yield batch
    if empty:
        raise PruningError(f"{user} received no batch. Pass at least one.")


def whole(data: Any, model: keras.Model | None, user: str) -> Batch | None:
    """Return arrays that hold all samples; None: the data comes in batches.

    Raises:
        PruningError: arrays with unequal numbers of samples.

    Example:
        >>> whole([np.zeros((2, 3))], None, "the example") is None
        True
    """
    if not (is_array(data) or isinstance(data, tuple | Mapping | Batch) or is_inputs(data, model)):
        return None
    arrays = as_batch(data, model, user)
    arrays.require_equal_sizes(user)
    return arrays


def all_inputs(data: Any, model: keras.Model, user: str) -> Any:
    """Return the inputs of all batches in one, nested as the model's own.

    Args:
        data: in one of the forms above.
        model: the model that they are for.
        user: what reads them, for error messages.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> all_inputs([np.zeros((2, 3)), np.zeros((1, 3))], model, "the example").shape
        (3, 3)
    """
    parts = [batch.inputs for batch in read(data, model, user)]
    arrays = [[np.asarray(x) for x in keras.tree.flatten(part)] for part in parts]
    joined = [np.concatenate(pieces) for pieces in zip(*arrays, strict=True)]
    return keras.tree.pack_sequence_as(parts[0], joined)


def require_rereadable(data: Any, why: str) -> None:
    """Refuse an iterator, which can be read only once.

    Args:
        data: in one of the forms above, or None.
        why: why that is not enough, for the error message.
    """
    if isinstance(data, Iterator):
        raise PruningError(
            f"{why}, which an iterator does not allow. Pass a list, arrays or a dataset; received "
            f"{type(data).__name__}."
        )


def require_end(dataset: tf.data.Dataset) -> None:
    """Refuse a dataset that repeats without end."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise PruningError(
            "The dataset repeats without end, so no epoch would end: use dataset.take(steps)."
        )


def unreadable(data: Any, user: str) -> PruningError:
    """Return the error for something that holds no batches."""
    return PruningError(
        f"{user}: expected data as a tf.data.Dataset, a PyDataset, split.epochs(...) of "
        "tfprune.data, arrays (inputs, labels) or an iterable of such batches; received "
        f"{type(data).__name__}."
    )


def _batches(
    data: Any, model: keras.Model | None, user: str, batch_size: int, limit: int | None
) -> Iterator[Batch]:
    arrays = whole(data, model, user)
    if arrays is not None:
        yield from _cut(arrays, batch_size)
        return
    for value in in_batches(data, user, ended=limit is None):
        yield as_batch(value, model, user)


def in_batches(data: Any, user: str, *, ended: bool = True) -> Iterable[Any]:
    """Return an iterable over the batches as they come, of data that holds no whole arrays.

    Args:
        data: in one of the forms above.
        user: what reads them, for error messages.
        ended: whether data without an end is refused.
    """
    if callable(getattr(data, "epoch", None)):
        data = data.epoch(0)
    if isinstance(data, tf.data.Dataset) and ended:
        require_end(data)
    if isinstance(data, keras.utils.PyDataset):  # its own iterator need not end
        return (data[place] for place in range(len(data)))
    if isinstance(data, tf.distribute.DistributedDataset):
        return gathered(data)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise unreadable(data, user)
    return data


def gathered(data: tf.distribute.DistributedDataset) -> Iterator[Any]:
    """Yield the batches of a distributed dataset whole, on every worker of its strategy."""
    strategy = tf.distribute.get_strategy()
    replicas = Replicas(strategy)
    for batch in data:
        flat = [strategy.experimental_local_results(x) for x in keras.tree.flatten(batch)]
        own = [[np.asarray(x) for x in share] for share in zip(*flat, strict=True)]
        shares = replicas.all(own, replicas.count)
        joined = [np.concatenate(pieces) for pieces in zip(*shares, strict=True)]
        yield keras.tree.pack_sequence_as(batch, joined)


def _cut(arrays: Batch, batch_size: int) -> Iterator[Batch]:
    for start in range(0, arrays.size, batch_size):
        part = slice(start, start + batch_size)
        pieces = keras.tree.map_structure(partial(_piece, part=part), vars(arrays))
        yield Batch(**pieces)


def _piece(array: Any, part: slice) -> Any:
    return None if array is None else array[part]
