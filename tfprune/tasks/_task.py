"""What differs from task to task, as one value."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError

Loss = keras.losses.Loss | Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Task:
    """What a model is for; a subclass per task, whose fields are the task's options.

    Attributes:
        name: what the task is found by.
        best: the figure that says which of two models is better, the higher the better; None: the
            loss says so.
        shares: the figures that lie in 0..1 and are told as percentages; "iou" is also "iou_3".
        per_pixel: whether each pixel of an image has a label, which moves with it.
        auxiliary: what the loss of each further output of a model weighs, where only the first one
            is used after training; None: as much as the first.
    """

    name: ClassVar[str]
    best: ClassVar[str | None] = None
    shares: ClassVar[tuple[str, ...]] = ()
    per_pixel: ClassVar[bool] = False
    auxiliary: ClassVar[float | None] = None

    def default_loss(self, model: keras.Model, label_smoothing: float = 0.0) -> Loss:
        """Return the loss that suits what the model gives.

        Args:
            model: a model with one output.
            label_smoothing: in [0, 1), where the labels are classes.

        Raises:
            PruningError: none suits, or label smoothing would have no effect.
        """
        raise NotImplementedError

    @classmethod
    def suits(cls, outputs: tuple[int | None, ...]) -> bool:
        """Tell whether outputs of a shape [N, ...] are most likely this task's."""
        return False

    def require_labels(self, labels: np.ndarray, images: tuple[int, ...]) -> None:
        """Refuse labels of a data set that are of no use for the task.

        Args:
            labels: [N, ...], as they are in memory.
            images: the shape of the images, [N, H, W, C].

        Raises:
            PruningError: they are not of the form that the task expects.
        """

    def strata(self, labels: np.ndarray) -> np.ndarray | None:
        """Return the classes, int [N], each of which a held-out part shall have its share of.

        Returns:
            None where the labels are not classes of whole images.
        """
        return None

    def counted(self, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return labels that a loss takes, and which of them count, a bool tensor (None: all)."""
        return labels, None

    def answers(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the outputs in the form in which they are compared with the labels."""
        return outputs

    def numbers(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the class that each label names, int64 [B, ...].

        Raises:
            PruningError: the labels are not classes.
        """
        raise PruningError(
            f"class_weight has no effect on task {self.name!r}: its labels are not classes. Leave "
            "it out."
        )

    def state_size(self, shape: tuple[int | None, ...]) -> int:
        """Return how many numbers `state` has for outputs of a shape [B, ...]."""
        raise NotImplementedError

    def state(self, labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return what is added up over all batches, float64 [state_size].

        Args:
            labels: as `counted` returns them.
            outputs: float [B, ...].
            weights: what each label counts, float32 [B, ...]; 0 for those that do not.
        """
        raise NotImplementedError

    def figures(self, state: np.ndarray) -> dict[str, float]:
        """Return the figures of a state by name; none where the labels do not allow any."""
        raise NotImplementedError

    def details(self, state: np.ndarray) -> dict[str, float]:
        """Return further figures, too many for every epoch's log."""
        return {}

    def merit(self, figure: float | None, loss: float) -> tuple[float, float]:
        """Return what ranks epochs, the greater the better: the figure `best`, then the loss.

        A small validation split ties in many of the figures, which the loss then tells apart.
        """
        known = figure is not None and not math.isnan(figure)
        return figure if known else 0.0, -math.inf if math.isnan(loss) else -loss
