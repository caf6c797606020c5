"""Leaving out of batches what cannot be read, and telling which samples that were."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf


def in_windows(
    samples: tf.data.Dataset,
    places: np.ndarray,
    size: int,
    skip: Callable[[Iterable[int]], None],
) -> tf.data.Dataset:
    """Put elements into windows by their positions: what is missing moves no other element.

    Args:
        samples: elements (position, ...) with ascending positions.
        places: the place of each position's sample, -1 where there is none, int64 [N].
        size: positions of a window.
        skip: told the places of the samples that are missing, as soon as that is known.
    """

    def tell(last: np.int64, position: np.int64) -> np.int64:
        missing = places[last + 1 : position]
        skip(missing[missing >= 0])
        return position

    def compare(last: tf.Tensor, element: tuple) -> tuple:
        position = element[0]
        gap = position - last - 1
        position = tf.cond(  # Python only has to run where something is missing
            gap > 0,
            lambda: tf.ensure_shape(tf.numpy_function(tell, [last, position], tf.int64), []),
            lambda: position,
        )
        return position, (gap, position < count, *element[1:])

    def filled(gap: tf.Tensor, *element: tf.Tensor) -> tf.data.Dataset:
        nothing = tf.data.Dataset.from_tensors((False, *end)).repeat(gap)
        return nothing.concatenate(tf.data.Dataset.from_tensors(element))

    # One more element behind the last: else nobody would miss what lies before the end.
    end = [tf.zeros(spec.shape, spec.dtype) for spec in samples.element_spec[1:]]
    count = tf.constant(len(places), tf.int64)
    found = samples.concatenate(tf.data.Dataset.from_tensors((count, *end)))
    windows = found.scan(tf.constant(-1, tf.int64), compare).flat_map(filled)

    def left(there: tf.Tensor, *parts: tf.Tensor) -> tuple:
        return tf.cond(  # a window that is whole need not be copied
            tf.reduce_all(there),
            lambda: parts,
            lambda: tuple(tf.boolean_mask(x, there) for x in parts),
        )

    return windows.take(len(places)).batch(size).map(left)
