"""Regression: outputs and labels are numbers; the lower the loss, the better."""

from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.tasks._measure import fitted
from tfprune.tasks._task import Loss, Task


@dataclass(frozen=True)
class TASK(Task):
    """Numbers, judged by the mean absolute and squared error, as by Keras' "mae" and "mse".

    Example:
        >>> state = TASK().state(tf.constant([[1.0], [3.0]]), tf.zeros((2, 1)), tf.ones(2))
        >>> TASK().figures(state.numpy())
        {'mae': 2.0, 'mse': 5.0}
    """

    name: ClassVar[str] = "regression"

    def default_loss(self, model: keras.Model, label_smoothing: float = 0.0) -> Loss:
        """Return the mean squared error."""
        if label_smoothing:
            raise PruningError(
                f"label_smoothing={label_smoothing} has no effect on task 'regression': its labels "
                "are no classes. Leave it out."
            )
        return keras.losses.MeanSquaredError()

    def state_size(self, shape: tuple[int | None, ...]) -> int:
        """Return 3: the absolute and the squared errors, and what counts."""
        return 3

    def state(self, labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return the weighted sums of absolute and squared errors, and that of the weights."""
        labels, outputs = tf.cast(labels, tf.float64), tf.cast(outputs, tf.float64)
        if labels.shape.rank == outputs.shape.rank - 1 and outputs.shape[-1] == 1:
            labels = labels[..., None]  # else they would broadcast to all pairs of samples
        if not labels.shape.is_compatible_with(outputs.shape):
            raise PruningError(
                f"Task 'regression' expects labels of the outputs' shape {tuple(outputs.shape)}, "
                f"received {tuple(labels.shape)}."
            )
        errors = labels - outputs
        counts = tf.cast(fitted(weights, errors), tf.float64)
        sums = [tf.abs(errors) * counts, errors**2 * counts, counts]
        return tf.stack([tf.reduce_sum(each) for each in sums])

    def figures(self, state: np.ndarray) -> dict[str, float]:
        """Return the mean absolute and the mean squared error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            absolute, squared = state[:2] / state[2]
        return {"mae": float(absolute), "mse": float(squared)}
