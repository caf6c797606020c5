"""Data in any of the accepted forms, as one tf.data.Dataset per epoch."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError


@dataclass(frozen=True)
class Feed:
    """Batches (inputs, labels) of every epoch.

    Args:
        make: gives the batches of an epoch, counted from 0.
        steps: batches in an epoch; None: unknown until one has ended.
        finish: called after each epoch.
    """

    make: Callable[[int], tf.data.Dataset]
    steps: int | None
    finish: Callable[[], None] = lambda: None

    def places(self) -> Iterator[int]:
        """Return the places of an epoch's batches; without an end if that is unknown."""
        return iter(itertools.count() if self.steps is None else range(self.steps))

    def batches(self, epoch: int, *, training: bool = False) -> Iterator:
        """Return an iterator over an epoch's batches, divided among the current replicas.

        In training every replica needs a sample: where an epoch's last batch has too few, up to
        one sample less than there are replicas is left out.
        """
        dataset = self.make(epoch)
        if not tf.distribute.has_strategy():
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


def feed(
    data: object, *, batch_size: int | None = None, shuffle: bool = False, seed: int = 0
) -> Feed:
    """Bring data into the form that the training loop takes.

    Args:
        data: a tf.data.Dataset of batches (inputs, labels), a keras PyDataset of them, a pair of
            arrays, or an object whose `epoch(e)` gives the Dataset of epoch e and whose length
            is the number of batches (`tfprune.data`'s `split.epochs(...)`).
        batch_size: for arrays; None: 32.
        shuffle: whether arrays are shuffled anew for every epoch.
        seed: of that order.

    Raises:
        PruningError: another form, batches that are no pairs, no end, or nothing at all.

    Example:
        >>> feed((np.zeros((5, 3)), np.zeros(5)), batch_size=2).steps
        3
    """
    if isinstance(data, tuple) and len(data) == 2:
        return _from_arrays(*data, batch_size or 32, seed if shuffle else None)
    if batch_size is not None:
        raise PruningError(
            f"batch_size={batch_size} has no effect on data that comes in batches "
            f"({type(data).__name__}); it belongs to a pair of arrays. Leave it out."
        )
    if isinstance(data, tf.data.Dataset):
        return _from_dataset(data)
    if isinstance(data, keras.utils.PyDataset):
        return _from_pydataset(data)
    if callable(getattr(data, "epoch", None)):
        return Feed(lambda epoch: _paired(data.epoch(epoch)), len(data))
    raise PruningError(
        "Expected data as a tf.data.Dataset, a keras.utils.PyDataset, a pair (inputs, labels) of "
        f"arrays or split.epochs(...) of tfprune.data, received {type(data).__name__}."
    )


def require_batches(found: dict[str, float]) -> dict[str, float]:
    """Return what an epoch's batches gave, unless there were none.

    Raises:
        PruningError: it is empty.
    """
    if not found:
        raise PruningError("The data gave no batch: expected at least one in each epoch.")
    return found


def _from_dataset(dataset: tf.data.Dataset) -> Feed:
    steps = int(dataset.cardinality())
    if steps == tf.data.INFINITE_CARDINALITY:
        raise PruningError(
            "The dataset repeats without end, so no epoch would end: use dataset.take(steps)."
        )
    if steps == 0:
        raise PruningError("The dataset is empty: expected at least one batch.")
    _paired(dataset)
    return Feed(lambda _: dataset, None if steps < 0 else steps)


def _from_arrays(inputs: np.ndarray, labels: np.ndarray, batch_size: int, seed: int | None) -> Feed:
    count = len(labels)
    if len(inputs) != count or count == 0:
        raise PruningError(
            f"Expected as many inputs as labels, at least one: received {len(inputs)} inputs and "
            f"{count} labels."
        )
    with tf.device("CPU"):
        tensors = tf.constant(inputs), tf.constant(labels)

    def make(epoch: int) -> tf.data.Dataset:
        order = np.arange(count)
        if seed is not None:
            np.random.default_rng([seed, epoch]).shuffle(order)
        places = tf.data.Dataset.from_tensor_slices(order).batch(batch_size)
        return places.map(lambda i: tuple(tf.gather(t, i) for t in tensors)).prefetch(2)

    return Feed(make, -(-count // batch_size))


def _from_pydataset(data: keras.utils.PyDataset) -> Feed:
    steps = len(data)
    first = data[0]
    if not isinstance(first, tuple) or len(first) not in (2, 3):
        raise _no_pairs(first)

    def spec(array: np.ndarray) -> tf.TensorSpec:
        array = np.asarray(array)
        return tf.TensorSpec([None, *array.shape[1:]], array.dtype)

    dataset = tf.data.Dataset.from_generator(
        lambda: (data[place] for place in range(steps)),
        output_signature=keras.tree.map_structure(spec, first),
    )
    return Feed(lambda _: dataset.prefetch(1), steps, data.on_epoch_end)


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


def _paired(dataset: tf.data.Dataset) -> tf.data.Dataset:
    if not isinstance(dataset.element_spec, tuple) or len(dataset.element_spec) not in (2, 3):
        raise _no_pairs(dataset.element_spec)
    return dataset


def _no_pairs(received: object) -> PruningError:
    return PruningError(f"Expected batches that are pairs (inputs, labels), received {received!r}.")
