"""The batches of every epoch, divided among the replicas of the current strategy."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.passes.parts import Parts
from tfprune.passes.reader import gathered


@dataclass(frozen=True)
class Feed:
    """Batches (inputs, labels), or (inputs, labels, weights), of every epoch.

    Args:
        make: gives the batches of an epoch, counted from 0.
        steps: batches in an epoch; None: unknown until one has ended.
        finish: called after each epoch.
        shared: gives what some replicas take of each batch of an epoch, one after the other, where
            that can be read alone: (epoch, which replicas, of how many).
        apart: gives the first epoch's batches, none larger than a size, as parts that can be read
            apart, where there are such.
    """

    make: Callable[[int], tf.data.Dataset]
    steps: int | None
    finish: Callable[[], None] = lambda: None
    shared: Callable[[int, range, int], tf.data.Dataset | None] = lambda *_: None
    apart: Callable[[int], Parts | None] = lambda size: None

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


def require_batches(found: dict[str, float]) -> dict[str, float]:
    """Return what an epoch's batches gave, unless there were none.

    Raises:
        PruningError: it is empty.
    """
    if not found:
        raise PruningError("The data gave no batch: expected at least one in each epoch.")
    return found


def _unsized(spec: Any) -> tf.TensorSpec:
    known = spec.shape.rank is not None
    return tf.TensorSpec([None, *spec.shape[1:]] if known else None, spec.dtype)


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
