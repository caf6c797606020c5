"""Data in any of the accepted forms, as one tf.data.Dataset per epoch."""

import itertools
from collections.abc import Iterable, Iterator, Sized
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.checks import check_whole
from tfprune.errors import PruningError
from tfprune.passes.batch import Batch, as_batch, described
from tfprune.passes.parts import Parts, in_parts
from tfprune.passes.reader import in_batches, require_end, whole
from tfprune.training.epoch_feed import Feed


def feed(
    data: Any,
    model: keras.Model | None = None,
    user: str = "fine_tune",
    *,
    batch_size: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    labels: bool = True,
) -> Feed:
    """Bring data into the form that the training loop takes.

    Args:
        data: batches (inputs, labels) or (inputs, labels, weights), in any form that
            `tfprune.score` takes; of an object whose `epoch(e)` gives the Dataset of epoch e
            (`split.epochs(...)`) every epoch is asked for.
        model: the model that they are for; None: one with a single input.
        user: what reads them, for error messages.
        batch_size: where arrays hold all samples; None: 32.
        shuffle: whether such arrays are shuffled anew for every epoch.
        seed: of that order.
        labels: whether labels are needed; if not, they are left out: batches are (inputs,).

    Raises:
        PruningError: another form, batches without labels, no end, or nothing at all.

    Example:
        >>> feed((np.zeros((5, 3)), np.zeros(5)), batch_size=2).steps
        3
    """
    if batch_size is not None:
        check_whole("batch_size", batch_size)
    if data is None:
        raise PruningError(f"{user} needs data: pass batches of (inputs, labels); received None.")
    arrays = whole(data, model, user)
    if arrays is not None:
        parts = _parts(arrays, user, labels)
        return _from_arrays(parts, arrays.size, batch_size or 32, seed if shuffle else None)
    if batch_size is not None:
        raise PruningError(
            f"batch_size={batch_size} has no effect on data that comes in batches "
            f"({type(data).__name__}); it belongs to arrays of all samples. Leave it out."
        )
    if callable(getattr(data, "epoch", None)):
        return _from_epochs(data, model, user, labels)
    if isinstance(data, tf.data.Dataset):
        return _from_dataset(_in_parts(data, model, user, labels))
    if isinstance(data, tf.distribute.DistributedDataset):
        return Feed(lambda _: data, _known(data.cardinality))
    return _from_iterable(data, model, user, labels)


def _parts(batch: Batch, user: str, labels: bool) -> tuple:
    """Return what the training loop takes of a batch, which must have labels if they are needed."""
    inputs = keras.tree.lists_to_tuples(batch.inputs)  # tf.data makes one tensor of a list
    if not labels:
        return (inputs,)
    if batch.labels is None:
        raise PruningError(
            f"{user} needs labels: expected batches (inputs, labels), each a tuple; received "
            f"{described(batch.inputs)} alone."
        )
    weights = () if batch.weights is None else (batch.weights,)
    return inputs, batch.labels, *weights


def _from_epochs(data: Any, model: keras.Model | None, user: str, labels: bool) -> Feed:
    def shared(epoch: int, replicas: range, of: int) -> tf.data.Dataset | None:
        own = getattr(data, "shared", lambda *_: None)(epoch, replicas, of)
        return None if own is None else _in_parts(own, model, user, labels)

    def make(epoch: int) -> tf.data.Dataset:
        return _in_parts(data.epoch(epoch), model, user, labels)

    def apart(size: int) -> Parts | None:
        most = min(size, getattr(data, "batch_size", size))
        found = in_parts(data, model, user, lambda _, batch: _parts(batch, user, labels), size=most)
        return found if isinstance(found, Parts) else None

    return Feed(make, len(data), shared=shared, apart=apart)


def _from_dataset(dataset: tf.data.Dataset) -> Feed:
    require_end(dataset)
    if dataset.cardinality() == 0:
        raise PruningError("The dataset is empty: expected at least one batch.")
    return Feed(lambda _: dataset, _known(dataset.cardinality()))


def _known(cardinality: Any) -> int | None:
    return None if int(cardinality) < 0 else int(cardinality)


def _from_arrays(parts: Any, count: int, batch_size: int, seed: int | None) -> Feed:
    if count == 0:
        raise PruningError("The arrays are empty: expected at least one sample.")
    with tf.device("CPU"):
        tensors = keras.tree.map_structure(tf.constant, parts)

    def make(epoch: int) -> tf.data.Dataset:
        order = np.arange(count)
        if seed is not None:
            np.random.default_rng([seed, epoch]).shuffle(order)
        places = tf.data.Dataset.from_tensor_slices(order).batch(min(batch_size, count))
        gathered = places.map(
            lambda i: keras.tree.map_structure(lambda tensor: tf.gather(tensor, i), tensors)
        )
        return gathered.prefetch(2)

    return Feed(make, -(-count // batch_size))


def _from_iterable(data: Any, model: keras.Model | None, user: str, labels: bool) -> Feed:
    """Return the feed of a PyDataset, a list of batches or another iterable."""
    batches = in_batches(data, user)
    once = isinstance(data, Iterator)
    first = next(iter(batches), None)
    if first is None:
        raise PruningError(f"{user} received no batch. Pass at least one.")
    known = data if isinstance(data, list) else [first]
    read = [_parts(as_batch(batch, model, user), user, labels) for batch in known]
    specs = keras.tree.map_structure(_spec, *read)

    def values() -> Iterable[Any]:
        again = itertools.chain([first], batches) if once else in_batches(data, user)
        return (_parts(as_batch(batch, model, user), user, labels) for batch in again)

    dataset = tf.data.Dataset.from_generator(values, output_signature=specs).prefetch(1)
    finish = data.on_epoch_end if isinstance(data, keras.utils.PyDataset) else lambda: None
    return Feed(lambda _: dataset, len(data) if isinstance(data, Sized) else None, finish)


def _spec(*arrays: Any) -> tf.TensorSpec:
    """Return the type of one part of all batches, with the axes free in which they differ."""
    found = [np.asarray(array) for array in arrays]
    sizes = zip(*(array.shape[1:] for array in found), strict=True)
    free = [sides[0] if len(set(sides)) == 1 else None for sides in sizes]
    return tf.TensorSpec([None, *free], found[0].dtype)


def _in_parts(
    dataset: tf.data.Dataset, model: keras.Model | None, user: str, labels: bool
) -> tf.data.Dataset:
    """Return a dataset of (inputs, labels), the inputs nested as the model's own."""
    spec = dataset.element_spec

    def in_parts(*values: Any) -> tuple:
        # tf.data makes one tensor of a list.
        return keras.tree.lists_to_tuples(_parts(as_batch(values, model, user), user, labels))

    parts = in_parts(*(spec if isinstance(spec, tuple) else (spec,)))
    try:
        keras.tree.assert_same_structure(parts, spec)
    except ValueError:
        return dataset.map(in_parts)
    return dataset
