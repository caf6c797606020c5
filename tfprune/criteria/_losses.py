"""The loss that criteria differentiate, and the data that it takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.passes.batch import Batch
from tfprune.passes.micro_batches import Part
from tfprune.passes.parts import in_parts


@dataclass(frozen=True)
class Objective:
    """A model's loss, sample by sample.

    Args:
        task: what the model is for.
        measure: `measure(labels, outputs, weights)`, the loss with what counts in it.
        classes: number of classes where labels are checked to be class numbers; None: they go to
            the loss as they are.
    """

    task: tasks.Task
    measure: tasks.Measure
    classes: int | None

    def samples(
        self, data: Any, model: keras.Model, user: str, size: int | None = None
    ) -> Iterable[Part]:
        """Return parts (inputs, labels) or (inputs, labels, weights) of data.

        Args:
            data: batches of them.
            model: the model that they are for.
            user: who needs them, for error messages.
            size: samples of a part; None: the batches as they come.
        """

        def part(number: int, batch: Batch) -> Part:
            weights = () if batch.weights is None else (batch.weights,)
            return batch.inputs, self._checked(batch.labels, user), *weights

        return in_parts(data, model, user, part, size=size, labels=True, weights=True)

    def of_samples(self, outputs: Any, labels: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        """Return the loss of each sample, [N], averaged over its places that count."""
        found = self._measured(outputs, labels, *weights)
        return tf.math.divide_no_nan(found.losses, found.counts)

    def of_batch(
        self, outputs: Any, labels: tf.Tensor, *weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the mean over all places of a batch that count, and their number."""
        found = self._measured(outputs, labels, *weights)
        count = tf.reduce_sum(found.counts)
        return tf.math.divide_no_nan(tf.reduce_sum(found.losses), count), count

    def _measured(self, outputs: Any, labels: tf.Tensor, *weights: tf.Tensor) -> tasks.Measured:
        return self.measure(labels, keras.tree.flatten(outputs)[0], *weights)

    def _checked(self, labels: Any, user: str) -> Any:
        """Return labels, class numbers as int32, with the void label where they are void."""
        if self.classes is None:
            return labels
        numbers = self.task.class_numbers(labels, self.classes, user)
        return numbers if self.task.void is None else np.where(numbers < 0, self.task.void, numbers)


def objective(
    model: keras.Model, task: str | tasks.Task | None = None, loss: Any = None
) -> Objective:
    """Return what a criterion differentiates.

    Args:
        model: a model with one output.
        task: what it is for, a task of `tfprune.tasks` or its name; None: segmentation where the
            outputs are [N, H, W, classes], else classification.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [N] or [N, ...]; None:
            the one that the model is compiled with, else the task's.

    Raises:
        PruningError: several outputs, an unknown task or loss, outputs that no loss suits.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> objective(model).classes, objective(model, loss="mse").classes
        (2, None)
    """
    task = tasks.of_model(model, task)
    loss = tasks.choose(model, task, loss)
    plain = _takes_class_numbers(loss) and hasattr(task, "class_numbers")
    classes = model.outputs[0].shape[-1] if plain else None
    double = model.outputs[0].dtype == "float64"
    measure = tasks.measure(loss, task, dtype="float64" if double else "float32")
    return Objective(task, measure, classes)


def _takes_class_numbers(loss: Any) -> bool:
    kind = keras.losses.SparseCategoricalCrossentropy
    if isinstance(loss, kind):
        return getattr(loss, "ignore_class", None) is None
    return loss is keras.losses.sparse_categorical_crossentropy
