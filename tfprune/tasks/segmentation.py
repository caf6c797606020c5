"""Segmentation: a class per pixel; what is judged is the mean intersection over union."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.tasks._class_task import ClassTask
from tfprune.tasks._measure import fitted


@dataclass(frozen=True)
class TASK(ClassTask):
    """Classes of pixels; a confusion matrix over all of them gives every figure.

    A class that neither the labels nor the predictions hold has no IoU (0/0) and does not count
    in the mean. A second output is an auxiliary head, whose loss weighs half (Zhao et al. 2017,
    section 3.3, in the weight that torchvision's DeepLabV3 is trained with).

    Args:
        void: the label of pixels that do not count, 255 as in PASCAL VOC; None: all count.
        names: of the classes, for `details`; without them the classes' numbers.

    Example:
        >>> logits = tf.one_hot([[[0, 0], [1, 1]]], 3)
        >>> state = TASK().state(tf.constant([[[0, 1], [1, 1]]]), logits, tf.ones((1, 2, 2)))
        >>> {name: round(value, 3) for name, value in TASK().figures(state.numpy()).items()}
        {'miou': 0.583, 'pixel_accuracy': 0.75}
        >>> TASK().details(state.numpy())
        {'iou_0': 0.5, 'iou_1': 0.6666666666666666}
    """

    void: int | None = 255
    names: tuple[str, ...] = ()

    name: ClassVar[str] = "segmentation"
    best: ClassVar[str] = "miou"
    shares: ClassVar[tuple[str, ...]] = ("miou", "pixel_accuracy", "iou")
    per_pixel: ClassVar[bool] = True
    auxiliary: ClassVar[float] = 0.5
    axes: ClassVar[tuple[str, ...]] = ("N", "H", "W")

    def answers(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the outputs at the labels' size, bilinear: an image is judged at its own size."""
        size, own = labels.shape[1:3], outputs.shape[1:3]
        if labels.shape.rank not in (3, 4) or outputs.shape.rank != 4 or size == own:
            return outputs
        return tf.image.resize(outputs, tf.shape(labels)[1:3])

    def state_size(self, shape: tuple[int | None, ...]) -> int:
        """Return the places of the confusion matrix."""
        if len(shape) != 4 or shape[-1] is None:
            raise PruningError(
                f"Task 'segmentation' expects outputs [N, H, W, classes], received {shape}. Use "
                "another task."
            )
        return shape[-1] ** 2

    def state(self, labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return the confusion matrix [true class, predicted class], weighted, as one row."""
        if labels.shape.rank == 4 and labels.shape[-1] == 1:
            labels = tf.squeeze(labels, -1)
        if not labels.shape.is_compatible_with(outputs.shape[:-1]):
            raise PruningError(
                "Task 'segmentation' expects class numbers as large as the outputs, "
                f"{tuple(outputs.shape[:-1])}; received labels of shape {tuple(labels.shape)}."
            )
        classes = outputs.shape[-1]
        pairs = tf.cast(labels, tf.int64) * classes + tf.argmax(outputs, axis=-1)
        counts = tf.cast(fitted(weights, pairs), tf.float64)
        return tf.math.unsorted_segment_sum(counts, pairs, classes**2)

    def figures(self, state: np.ndarray) -> dict[str, float]:
        """Return the mean IoU of the classes that are there, and the share of right pixels."""
        matrix = _matrix(state)
        there = _iou(matrix)
        there = there[~np.isnan(there)]
        if not len(there):
            return {"miou": float("nan"), "pixel_accuracy": float("nan")}
        return {
            "miou": float(there.mean()),
            "pixel_accuracy": float(np.trace(matrix) / matrix.sum()),
        }

    def details(self, state: np.ndarray) -> dict[str, float]:
        """Return the IoU of each class that is there: "iou_0" is that of class 0."""
        found = _iou(_matrix(state))
        named = self.names if len(self.names) == len(found) else range(len(found))
        pairs = zip(named, found, strict=True)
        return {f"iou_{name}": float(iou) for name, iou in pairs if not np.isnan(iou)}


def _matrix(state: np.ndarray) -> np.ndarray:
    classes = round(len(state) ** 0.5)
    return np.reshape(state, (classes, classes))


def _iou(matrix: np.ndarray) -> np.ndarray:
    """Return intersection over union of each class, NaN where both are empty."""
    hits = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hits
    return np.where(union > 0, hits / np.where(union > 0, union, 1), np.nan)
