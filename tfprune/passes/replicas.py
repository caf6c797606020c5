"""The replicas of a `tf.distribute` strategy, here and on other machines."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.distribution.arrays import from_bytes, to_bytes


class Replicas:
    """Who computes what within a strategy's scope; without a strategy, one replica does it all.

    Args:
        strategy: the current one.

    Example:
        >>> Replicas(tf.distribute.get_strategy()).count
        1
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync
        here = tf.function(partial(strategy.run, _number_here), autograph=False)()
        self.numbers = [int(x) for x in strategy.experimental_local_results(here)]

    def own(self, parts: Sequence[Any]) -> list[Any]:
        """Return what falls to the replicas of this worker, one part each.

        Where there are fewer parts than replicas, the last stands in, so that all run alike:
        `all` leaves out what is made of it again.

        Args:
            parts: at least one, at most one for each replica of all workers.
        """
        return [parts[min(number, len(parts) - 1)] for number in self.numbers]

    def function(self, step: Callable[..., Any], specs: Sequence[Any]) -> Callable[..., list[Any]]:
        """Return `run(own)`: what the replicas of this worker make of a part each, traced now.

        Args:
            step: `step(*part)`, in TensorFlow's operations, to nested tensors.
            specs: types and shapes of the tensors of each of these parts, nested alike.
        """
        local = len(self.numbers)

        @tf.function(input_signature=[list(specs)], autograph=False)
        def run(own: list[list[Any]]) -> Any:
            def on_replica() -> Any:
                return step(*own[_number() - self.numbers[0]])

            return self.strategy.run(on_replica)

        # The graph itself: of functions made for one step each TensorFlow warns after the fifth.
        graph = run.get_concrete_function()

        def results(own: list[list[Any]]) -> list[Any]:
            found = graph(own)
            flat = [self.strategy.experimental_local_results(x) for x in keras.tree.flatten(found)]
            # np.asarray does not copy, unlike .numpy().
            rows = [[np.asarray(x[i]) for x in flat] for i in range(local)]
            return [keras.tree.pack_sequence_as(found, row) for row in rows]

        return results

    def all(self, own: Sequence[Any], count: int) -> list[Any]:
        """Return the results of all replicas on all workers, in their order.

        Args:
            own: those of this worker's replicas, nested arrays.
            count: how many parts there were.
        """
        if len(own) == self.count:
            return list(own[:count])
        return self.of_workers(lambda: own)[:count]

    def of_workers(self, make: Callable[[], Sequence[Any]]) -> list[Any]:
        """Return what all workers make for their replicas, in the order of the replicas.

        Args:
            make: returns nested arrays for each replica of this worker. What it refuses on one
                worker is refused on all.

        Example:
            >>> Replicas(tf.distribute.get_strategy()).of_workers(lambda: [{"sum": np.ones(2)}])
            [{'sum': array([1., 1.])}]
        """
        own: list[Any] = []

        def packed() -> bytes:
            own.extend(make())
            return to_bytes(keras.tree.flatten(own))

        texts = workers.gathered(packed)
        arrays = [x for text in texts for x in from_bytes(text)]
        return [
            keras.tree.pack_sequence_as(own[0], found)
            for found in zip(*[iter(arrays)] * (len(arrays) // self.count), strict=True)
        ]


def _number_here() -> tf.Tensor:
    return tf.constant(_number())


def _number() -> int:
    """Return the number of the replica that runs this, counted over all workers."""
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return int(tf.get_static_value(number) if tf.is_tensor(number) else number)
