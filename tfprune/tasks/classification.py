"""Classification: a class per sample, told by its number or one-hot; accuracy counts."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.tasks._class_task import ClassTask
from tfprune.tasks._measure import fitted


@dataclass(frozen=True)
class TASK(ClassTask):
    """Classes of whole samples, or of places of them, each counted as right or wrong.

    Example:
        >>> logits = tf.constant([[2.0, 1.0], [0.0, 3.0]])
        >>> state = TASK().state(tf.constant([0, 0]), logits, tf.ones(2))
        >>> TASK().figures(state.numpy())
        {'accuracy': 0.5}
    """

    name: ClassVar[str] = "classification"
    best: ClassVar[str] = "accuracy"
    shares: ClassVar[tuple[str, ...]] = ("accuracy",)
    axes: ClassVar[tuple[str, ...]] = ("N",)

    def state_size(self, shape: tuple[int | None, ...]) -> int:
        """Return 2: what is answered right, and what counts."""
        return 2

    def state(self, labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return [right answers, answers], weighted; NaN where the labels are not classes."""
        unknown = tf.constant([np.nan, np.nan], tf.float64)
        if outputs.shape.rank < 2 or outputs.shape[-1] == 1:
            return unknown
        valid = tf.constant(True)
        if labels.shape.rank == outputs.shape.rank and labels.shape[-1] == 1:
            labels = tf.squeeze(labels, -1)
        elif labels.shape.rank == outputs.shape.rank:
            # One-hot or shares of classes; values of another kind do not add up to one.
            total = tf.reduce_sum(tf.cast(labels, tf.float32), axis=-1)
            valid = tf.reduce_all(tf.abs(total - 1.0) < 1e-3)
            labels = tf.argmax(labels, axis=-1)
        if labels.shape.rank != outputs.shape.rank - 1:
            return unknown
        hits = tf.cast(labels, tf.int64) == tf.argmax(outputs, axis=-1)
        counts = tf.cast(fitted(weights, hits), tf.float64)
        right = tf.reduce_sum(tf.where(hits, counts, 0.0))
        return tf.where(valid, tf.stack([right, tf.reduce_sum(counts)]), unknown)

    def figures(self, state: np.ndarray) -> dict[str, float]:
        """Return the accuracy."""
        right, count = state
        if np.isnan(count):
            return {}
        return {"accuracy": float(right / count) if count else float("nan")}
