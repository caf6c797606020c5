"""Learning from a teacher's outputs (Hinton, Vinyals & Dean 2015), with Keras' own loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities
from tfprune.tasks import Measured
from tfprune.training.copying import copy_model


@dataclass(frozen=True)
class Distillation:
    """A teacher, and how much it counts: the loss is (1 - weight) * loss + weight * teacher's.

    The teacher's part asks for no labels: it is the mean over all places, whatever their weights.

    Args:
        teacher: a classifier of the same classes and inputs, e.g. the model before pruning.
        weight: the share of the teacher's part, in (0, 1].
        temperature: what both models' logits are divided by, > 0.

    Raises:
        PruningError: a weight or temperature out of its range.

    Example:
        >>> teacher = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> Distillation(teacher, weight=0.9).temperature
        4.0
    """

    teacher: keras.Model
    weight: float = 0.5
    temperature: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise PruningError(f"weight must be above 0 and at most 1, received {self.weight}.")
        if not self.temperature > 0:
            raise PruningError(f"temperature must be above 0, received {self.temperature}.")


def teaching(
    teacher: keras.Model | Distillation | None, student: keras.Model
) -> Callable[[Any, Any, list[Measured]], list[Measured]] | None:
    """Return what puts a teacher's part into the loss: (inputs, outputs, measured) -> measured.

    Args:
        teacher: with or without settings; None: none.
        student: the model that is trained.

    Raises:
        PruningError: the two models' outputs differ in shape, or there are several.
    """
    if teacher is None:
        return None
    if isinstance(teacher, keras.Model):
        teacher = Distillation(teacher)
    weight, part = teacher.weight, term(teacher, student)

    def taught(inputs: Any, outputs: tf.Tensor, measured: list[Measured]) -> list[Measured]:
        (own,) = measured
        other = weight * part(inputs, outputs)
        return [own._replace(losses=(1 - weight) * own.losses + other * own.counts)]

    return taught


def term(
    distillation: Distillation, student: keras.Model
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return a function (inputs, student's outputs) -> the teacher's part of the loss, a mean.

    Args:
        distillation: the teacher and its settings; the teacher is copied into the current scope.
        student: the model that is trained.

    Raises:
        PruningError: the two models' outputs differ in shape.
    """
    if len(student.outputs) != 1:
        raise PruningError(
            f"The student {student.name!r} has {len(student.outputs)} outputs; a teacher is for "
            "models with one."
        )
    if distillation.teacher.output_shape != student.output_shape:
        raise PruningError(
            f"The teacher {distillation.teacher.name!r} gives {distillation.teacher.output_shape}, "
            f"the student {student.name!r} {student.output_shape}: expected equal shapes."
        )
    teacher = copy_model(distillation.teacher)
    teachers_logits, students_logits = _to_logits(teacher), _to_logits(student)
    # Without a reduction of its own: Keras divides a reduced loss by the number of replicas.
    divergence = keras.losses.KLDivergence(reduction="none")
    loss = keras.distillation.LogitsDistillation(distillation.temperature, divergence)

    def measure(inputs: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        target = tf.stop_gradient(teachers_logits(teacher(inputs, training=False)))
        return loss.compute_loss(target, students_logits(outputs))

    return measure


def _to_logits(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function that makes logits of a model's outputs: log p stands for them."""
    if not gives_probabilities(model):
        return lambda outputs: tf.cast(outputs, tf.float32)
    return lambda outputs: tf.math.log(tf.maximum(tf.cast(outputs, tf.float32), 1e-7))
