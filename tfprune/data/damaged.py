"""Leaving out of a pipeline what cannot be read, and telling which samples that were."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf


def without_damaged(
    samples: tf.data.Dataset, order: np.ndarray, skip: Callable[[Iterable[int]], None]
) -> tf.data.Dataset:
    """Leave out elements that raise.

    Args:
        samples: elements (turn, ...) with the turns 0, 1, 2, ...
        order: the place of each turn's sample, int64 [N].
        skip: told the places of those that are missing, as soon as that is known.
    """

    def tell(last: np.int64, turn: np.int64) -> np.int64:
        skip(order[last + 1 : turn])
        return turn

    def compare(last: tf.Tensor, element: tuple) -> tuple:
        turn = element[0]
        turn = tf.cond(  # Python only has to run where something is missing
            turn > last + 1,
            lambda: tf.ensure_shape(tf.numpy_function(tell, [last, turn], tf.int64), []),
            lambda: turn,
        )
        return turn, (turn, *element[1:])

    # One more element behind the last: else nobody would miss what lies before the end.
    end = [tf.zeros(spec.shape, spec.dtype) for spec in samples.element_spec[1:]]
    count = tf.constant(len(order), tf.int64)
    found = samples.ignore_errors().concatenate(tf.data.Dataset.from_tensors((count, *end)))
    told = found.scan(tf.constant(-1, tf.int64), compare)
    return told.filter(lambda turn, *_: turn < count)
