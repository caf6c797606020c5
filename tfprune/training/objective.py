"""What a model is trained and measured by: a loss for each of its outputs, and their figures.

What is added up over the batches is one float64 vector: for each output with a loss the sum of its
losses, their count and the task's state, then the layers' own losses and the samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune import tasks
from tfprune.tasks import Measure, Measured, Task
from tfprune.training.outputs import of_output


@dataclass(frozen=True)
class Head:
    """One output of a model that has a loss.

    Args:
        place: which of the outputs, from 0.
        name: of the output.
        loss: as `tasks.loss_called` returns it.
        measure: the loss as (sum, count).
        weight: what its loss counts in that of the model.
        size: numbers in the task's state; 0 for an output that is not judged by itself.
    """

    place: int
    name: str
    loss: tasks.Loss
    measure: Measure
    weight: float
    size: int


@dataclass(frozen=True)
class Objective:
    """The losses of all outputs.

    Args:
        task: of the outputs.
        heads: those outputs that have a loss, at least one.
        outputs: the names of all of them.
    """

    task: Task
    heads: tuple[Head, ...]
    outputs: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many numbers are added up."""
        return sum(2 + head.size for head in self.heads) + 2

    @property
    def main(self) -> bool:
        """Whether the first output is what the model is for, and further ones only help it."""
        return len(self.outputs) == 1 or self.task.auxiliary is not None

    @property
    def compiled(self) -> Any:
        """The losses as Keras' `compile` takes them, None where it could not save one of them."""
        losses: list[Any] = [None] * len(self.outputs)
        for head in self.heads:
            losses[head.place] = head.loss
        known = all(loss is None or isinstance(loss, keras.losses.Loss) for loss in losses)
        return None if not known else losses if len(losses) > 1 else losses[0]

    def measured(self, labels: Any, outputs: Any, weights: Any = None) -> list[Measured]:
        """Return what the loss of each head says of a batch.

        Args:
            labels: of a single output as they are; of several a tuple or a dictionary by their
                names, or one tensor, which belongs to each of them.
            outputs: what the model gave.
            weights: sample weights in the same forms, or None.
        """
        given = keras.tree.flatten(outputs)
        found = []
        for head in self.heads:
            own = of_output(labels, head.place, self.outputs, "labels")
            weight = of_output(weights, head.place, self.outputs, "sample weights")
            answers = self.task.answers(own, given[head.place])
            found.append(head.measure(own, answers, weight))
        return found

    def total(self, losses: Sequence[Any]) -> Any:
        """Return the loss of the model from those of its heads."""
        return sum(head.weight * loss for head, loss in zip(self.heads, losses, strict=True))

    def sums(
        self,
        labels: Any,
        outputs: Any,
        measured: Sequence[Measured],
        losses: Sequence[tf.Tensor],
        layers: tf.Tensor,
    ) -> tf.Tensor:
        """Return what is added up of a batch, float64 [size].

        Args:
            labels: as for `measured`.
            outputs: as for `measured`.
            measured: what `measured` returned.
            losses: the sum of each head's losses.
            layers: the layers' own losses, which count once for each sample.
        """
        given = keras.tree.flatten(outputs)
        parts = []
        for head, found, loss in zip(self.heads, measured, losses, strict=True):
            parts.append(tf.stack([loss, tf.reduce_sum(found.counts)]))
            if head.size:
                own = of_output(labels, head.place, self.outputs, "labels")
                own, answers = self.task.counted(own)[0], self.task.answers(own, given[head.place])
                parts.append(self.task.state(own, answers, found.weights))
        samples = tf.cast(tf.shape(given[0])[0], tf.float32)
        parts.append(tf.stack([layers * samples, samples]))
        return tf.concat([tf.cast(part, tf.float64) for part in parts], axis=0)

    def figures(self, sums: np.ndarray, *, detailed: bool = False) -> dict[str, float]:
        """Return the figures of sums over batches, the model's loss first.

        As in Keras the figures of several outputs bear their names, but for those of a first
        output that the others only help.

        Args:
            sums: float64 [size].
            detailed: whether to add what is too much for every epoch's log.
        """
        *parts, layers, samples = np.asarray(sums)
        found, losses = {}, []
        for head in self.heads:
            (loss, count), state = parts[:2], np.array(parts[2 : 2 + head.size])
            parts = parts[2 + head.size :]
            losses.append(loss / count if count else 0.0)  # as Keras: nothing but void places
            own = self.task.figures(state) if head.size else {}
            own |= self.task.details(state) if head.size and detailed else {}
            if len(self.outputs) > 1:
                found[f"{head.name}_loss"] = float(losses[-1])
            prefix = "" if self.main else f"{head.name}_"
            found |= {f"{prefix}{name}": value for name, value in own.items()}
        return {"loss": float(self.total(losses) + layers / samples), **found}

    def merit(self, logs: dict[str, float]) -> tuple[float, float]:
        """Return what ranks epochs by figures of the validation split, the greater the better.

        Several outputs that do not serve the first may contradict each other: the loss decides.
        """
        figure = logs.get(f"val_{self.task.best}") if self.main else None
        return self.task.merit(figure, logs["val_loss"])
