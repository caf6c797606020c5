"""What classification and segmentation have in common: labels are the numbers of classes."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities
from tfprune.tasks._task import Loss, Task

_HINT = "Take the batches from the data that the model's classes are of"


@dataclass(frozen=True)
class ClassTask(Task):
    """A task whose labels are class numbers from 0, one per place of the outputs.

    Args:
        void: the label of places that do not count; None: every place counts.
    """

    void: int | None = None

    axes: ClassVar[tuple[str, ...]]  # of the labels

    def default_loss(self, model: keras.Model, label_smoothing: float = 0.0) -> Loss:
        """Return the cross-entropy, of probabilities or logits as the model gives them."""
        from_logits = not gives_probabilities(model)
        if label_smoothing:
            return _smoothed(from_logits, label_smoothing)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)

    @classmethod
    def suits(cls, outputs: tuple[int | None, ...]) -> bool:
        """Tell whether there are scores of classes wherever there is a label."""
        return len(outputs) == len(cls.axes) + 1

    def require_labels(self, labels: np.ndarray, images: tuple[int, ...]) -> None:
        """Refuse labels that are no class numbers, one for each image or each of its pixels."""
        if labels.shape != images[: len(self.axes)] or labels.dtype.kind not in "iu":
            raise PruningError(
                f"Task {self.name!r} expects images [N, H, W, C] with class numbers "
                f"[{', '.join(self.axes)}], received images {tuple(images)} and labels "
                f"{labels.shape} of {labels.dtype}."
            )

    def strata(self, labels: np.ndarray) -> np.ndarray | None:
        """Return the classes, where each image has one."""
        return None if self.per_pixel else labels

    def counted(self, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return labels with class 0 in void places, and which places are not void."""
        if self.void is None:
            return labels, None
        valid = labels != tf.cast(self.void, labels.dtype)
        return tf.where(valid, labels, tf.zeros_like(labels)), valid

    def numbers(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return class numbers, also of one-hot labels."""
        if labels.shape.rank == outputs.shape.rank:
            one = labels.shape[-1] == 1
            labels = tf.squeeze(labels, -1) if one else tf.argmax(labels, axis=-1)
        return tf.cast(labels, tf.int64)

    def class_numbers(self, labels: Any, classes: int, user: str, hint: str = _HINT) -> np.ndarray:
        """Return class numbers as int32, with -1 in void places, and refuse other labels.

        Args:
            labels: class numbers of the shape that the task has, perhaps with a last axis of 1.
            classes: number of classes.
            user: who needs them, for the error message, e.g. "criterion 'fgp'".
            hint: what to do about numbers out of range.

        Raises:
            PruningError: another shape, or what are no class numbers.

        Example:
            >>> from tfprune import tasks
            >>> tasks.find("classification").class_numbers([[3], [0]], 10, "the example").tolist()
            [3, 0]
        """
        found = np.asarray(labels)
        if found.ndim == len(self.axes) + 1 and found.shape[-1] == 1:
            found = found[..., 0]
        void = "" if self.void is None else f" (or {self.void}, void)"
        expected = f"class numbers from 0 to {classes - 1}{void}, of shape {[*self.axes]}"
        whole = found.dtype.kind in "iuf" and not (found != np.floor(found)).any()
        if found.ndim != len(self.axes) or not whole:
            masks = whole and found.ndim > len(self.axes) and found.shape[-1] != classes
            remedy = (
                "Masks belong to the task 'segmentation': take what knows it"
                if masks
                else "Convert one-hot labels with labels.argmax(-1)"
            )
            raise PruningError(
                f"{user}: expected {expected}; received {found.dtype} of shape {found.shape}. "
                f"{remedy}."
            )
        beyond = (found < 0) | (found >= classes)
        strange = beyond if self.void is None else beyond & (found != self.void)
        if strange.any():
            raise PruningError(
                f"{user}: expected {expected}; received {found[strange][0]}. {hint}."
            )
        return np.where(beyond, -1, found.astype(np.int32))

    def class_logit(
        self, logits: tf.Tensor, numbers: tf.Tensor, places: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Return each sample's logit of its class, [N], summed over the places that are given.

        Args:
            logits: [N, classes], or [N, H, W, classes].
            numbers: the class that is asked for in each sample, int [N].
            places: bool [N, H, W], which of them count; None where there is one place.
        """
        if places is None:
            return tf.gather(logits, numbers, batch_dims=1)
        own = tf.one_hot(numbers, logits.shape[-1], dtype=logits.dtype)[:, None, None]
        return tf.reduce_sum(tf.where(places, tf.reduce_sum(logits * own, -1), 0), [1, 2])


def _smoothed(from_logits: bool, label_smoothing: float) -> Loss:
    """Return the cross-entropy with smoothed labels; Keras has it for one-hot labels only."""
    loss = keras.losses.CategoricalCrossentropy(from_logits, label_smoothing)

    def smoothed(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        if labels.shape.rank == outputs.shape.rank and labels.shape[-1] == 1:
            labels = tf.squeeze(labels, -1)
        return loss.call(tf.one_hot(tf.cast(labels, tf.int32), outputs.shape[-1]), outputs)

    return smoothed
