"""Data in any of the accepted forms, as one tf.data.Dataset per epoch."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.checks import check_whole
from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.passes.batch import Batch, as_batch, described
from tfprune.passes.reader import gathered, in_batches, require_end, whole


@dataclass(frozen=True)
class Feed:
    """Batches (inputs, labels), or (inputs, labels, weights), of every epoch.

    Args:
        make: gives the batches of an epoch, counted from 0.
        steps: batches in an epoch; None: unknown until one has ended.
        finish: called after each epoch.
        shared: gives what some replicas take of each batch of an epoch, one after the other, where
            that can be read alone: (epoch, which replicas, of how many).
    """

    make: Callable[[int], tf.data.Dataset]
    steps: int | None
    finish: Callable[[], None] = lambda: None
    shared: Callable[[int, range, int], tf.data.Dataset | None] = lambda *_: None

    def places(self) -> Iterator[int]:
        """Return the places of an epoch's batches; without an end if that is unknown."""
        return iter(itertools.count() if self.steps is None else range(self.steps))

    def batches(self, epoch: int, *, training: bool = False, skip: int = 0) -> Iterator:
        """Return an iterator over an epoch's batches, divided among the current replicas.

        The first `skip` of them are left out.

        In training every replica needs a sample: where an epoch's last batch has too few, up to
        one sample less than there are replicas is left out. A distributed dataset stays as it is.
        """
        own = self._own(epoch, skip) if training else None
        if own is not None:
            return own
        dataset = self.make(epoch)
        if isinstance(dataset, tf.distribute.DistributedDataset):
            batches = iter(dataset)
            for _ in range(skip):
                next(batches)
            return batches
        dataset = dataset.skip(skip) if skip else dataset
        if not tf.distribute.has_strategy() or not isinstance(dataset, tf.data.Dataset):
            return iter(dataset)
        strategy = tf.distribute.get_strategy()
        if training and strategy.num_replicas_in_sync > 1:
            dataset = _without_empty_shares(dataset, strategy.num_replicas_in_sync)
        options = tf.data.Options()
        # Files cannot be shared out: most of these data sets are not made of any.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return iter(strategy.experimental_distribute_dataset(dataset.with_options(options)))

    def _own(self, epoch: int, skip: int) -> Iterator | None:
        """Return this worker's share of the batches, of which it reads nothing else.

        None where there is no other worker, or where batches are made whole.
        """
        if workers.count() == 1:
            return None
        strategy = tf.distribute.get_strategy()
        here = strategy.num_replicas_in_sync // workers.count()
        first = here * workers.number()
        dataset = self.shared(epoch, range(first, first + here), strategy.num_replicas_in_sync)
        if dataset is None:
            return None
        dataset = dataset.skip(skip * here)
        return iter(strategy.distribute_datasets_from_function(lambda _: dataset))

    def whole(self) -> tuple[Iterable[tuple], list[Any] | None]:
        """Return the first epoch's batches, each whole, and their types, batch sizes left open.

        Every worker reads all of them. Of a distributed dataset the types are not known.
        """
        dataset = self.make(0)
        if isinstance(dataset, tf.distribute.DistributedDataset):
            return gathered(dataset), None
        return dataset, keras.tree.map_structure(_unsized, list(dataset.element_spec))


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
        return _from_dataset(_told_apart(data, model, user, labels))
    if isinstance(data, tf.distribute.DistributedDataset):
        return Feed(lambda _: data, _known(data.cardinality))
    return _from_iterable(data, model, user, labels)


def require_batches(found: dict[str, float]) -> dict[str, float]:
    """Return what an epoch's batches gave, unless there were none.

    Raises:
        PruningError: it is empty.
    """
    if not found:
        raise PruningError("The data gave no batch: expected at least one in each epoch.")
    return found


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
        return None if own is None else _told_apart(own, model, user, labels)

    def make(epoch: int) -> tf.data.Dataset:
        return _told_apart(data.epoch(epoch), model, user, labels)

    return Feed(make, len(data), shared=shared)


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


def _unsized(spec: Any) -> tf.TensorSpec:
    known = spec.shape.rank is not None
    return tf.TensorSpec([None, *spec.shape[1:]] if known else None, spec.dtype)


def _told_apart(
    dataset: tf.data.Dataset, model: keras.Model | None, user: str, labels: bool
) -> tf.data.Dataset:
    """Return a dataset of (inputs, labels), the inputs nested as the model's own."""
    spec = dataset.element_spec

    def told_apart(*values: Any) -> tuple:
        # tf.data makes one tensor of a list.
        return keras.tree.lists_to_tuples(_parts(as_batch(values, model, user), user, labels))

    parts = told_apart(*(spec if isinstance(spec, tuple) else (spec,)))
    try:
        keras.tree.assert_same_structure(parts, spec)
    except ValueError:
        return dataset.map(told_apart)
    return dataset


def _without_empty_shares(dataset: tf.data.Dataset, replicas: int) -> tf.data.Dataset:
    """Shorten batches that would leave a replica nothing: its statistics would become NaN."""

    def shorten(*batch: Any) -> tuple:
        size = _size(batch)
        share = -(-size // replicas)  # TensorFlow's; the last replica gets what is left
        kept = tf.where(share * (replicas - 1) < size, size, size - size % replicas)
        return keras.tree.map_structure(lambda tensor: tensor[:kept], batch)

    return dataset.map(shorten).filter(lambda *batch: _size(batch) > 0)


def _size(batch: tuple) -> tf.Tensor:
    """Return the samples of a batch; of several outputs each has its labels."""
    return tf.shape(keras.tree.flatten(batch[1])[0])[0]
