"""Training on inputs alone: a teacher says what each of them is."""

from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities
from tfprune.training.distillation import Distillation
from tfprune.training.epoch_feed import Feed


def only_teacher(teacher: keras.Model | Distillation | None) -> Distillation:
    """Return the teacher with the whole loss for its part.

    Args:
        teacher: with or without settings.

    Raises:
        PruningError: no teacher, or settings that give the labels a part of the loss.
    """
    if teacher is None:
        raise PruningError(
            "labels=False: without labels a teacher has to say what is right. Give teacher=..., "
            "e.g. the model before pruning."
        )
    if isinstance(teacher, keras.Model):
        return Distillation(teacher, weight=1.0)
    if teacher.weight != 1:
        raise PruningError(
            f"labels=False leaves the labels no part of the loss, but the teacher's weight is "
            f"{teacher.weight}. Make it 1."
        )
    return teacher


def labelled_by(feed: Feed, teacher: keras.Model) -> Feed:
    """Return batches (inputs, labels) whose labels are the teacher's choice.

    They take no part in the loss: the accuracy that is told is the agreement with the teacher.

    Args:
        feed: batches (inputs,).
        teacher: a classifier.
    """
    gives_probabilities(teacher)  # refuses what is not a classifier

    def labelled(inputs: Any) -> tuple[Any, tf.Tensor]:
        return inputs, tf.argmax(teacher(inputs, training=False), axis=-1)

    return replace(feed, make=lambda epoch: feed.make(epoch).map(labelled).prefetch(1))
