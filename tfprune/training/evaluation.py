"""The loss and the task's figures of a model over a data set."""

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np

from tfprune.passes.divided import unsized
from tfprune.passes.micro_batches import Part, inference_batch, recut
from tfprune.passes.parts import Parts
from tfprune.passes.progress import counting
from tfprune.tasks import Task
from tfprune.training import losses, steps
from tfprune.training.epoch_feed import Feed, require_batches
from tfprune.training.feeding import feed
from tfprune.training.objective import Objective


def evaluate(
    model: keras.Model,
    data: object,
    *,
    loss: Any = None,
    loss_weights: Any = None,
    task: str | Task | None = None,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Measure a model on data, every sample with equal weight, also in an uneven last batch.

    Sample weights and void labels count as in Keras: the loss is the weighted sum over all places
    divided by the number of those that are not void; the figures are weighted means.

    Args:
        model: it is not changed.
        data: batches (inputs, labels) or (inputs, labels, weights), in any form that
            `tfprune.score` takes. For several outputs the labels are a tuple or a dictionary by
            their names.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B] or [B, ...]; for
            several outputs a list or a dictionary of them; None: what the model is compiled with,
            else the task's, which is the cross-entropy for classes.
        loss_weights: what the loss of each of several outputs counts, a list or a dictionary.
        task: a task of `tfprune.tasks` or its name: "classification", "segmentation",
            "regression"; None: the first.
        batch_size: for arrays; None: 32.

    Returns:
        "loss", with the layers' regularisers as in Keras' own `evaluate`; and the task's figures:
        "accuracy" in 0..1 where the labels are class numbers or one-hot; "miou", "pixel_accuracy"
        and "iou_0", "iou_1" ... of segmentation; "mae" and "mse" of regression. Of several outputs
        each has its own, behind its name: "head_loss", "head_accuracy".

    Raises:
        PruningError: data of another form, or a loss that cannot be chosen.

    Example:
        >>> import numpy as np
        >>> layers = [keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")]
        >>> found = evaluate(keras.Sequential(layers), (np.zeros((4, 3)), np.zeros(4, int)))
        >>> found["accuracy"]
        1.0
    """
    objective = losses.objective(model, task=task, loss=loss, loss_weights=loss_weights)
    measured = Evaluation(model, objective)
    return measured.of(feed(data, model, "evaluate", batch_size=batch_size), detailed=True)


class Evaluation:
    """Measures a model again and again, with a step that is traced once.

    Batches go through the model as they come, or, where their maps would take more than 1 GiB, in
    parts; each replica of the current strategy takes its share of them, and their sums are added
    in order in float64. So the figures are the same to the bit for any number of replicas.

    Args:
        model: the model.
        objective: what is added up.
    """

    def __init__(self, model: keras.Model, objective: Objective):
        self._objective = objective
        self._size = inference_batch(model)
        self._step = steps.evaluation_step(model, objective)

    def of(
        self,
        source: Feed,
        callbacks: keras.callbacks.CallbackList | None = None,
        *,
        detailed: bool = False,
    ) -> dict[str, float]:
        """Measure all batches of a source.

        Args:
            source: the batches.
            callbacks: told of every batch, as by Keras' own `evaluate`.
            detailed: whether to return what is too much for every epoch's log.

        Returns:
            As `evaluate`.

        Raises:
            PruningError: there is no batch.
        """
        callbacks = callbacks or keras.callbacks.CallbackList()
        callbacks.on_test_begin()
        sums, found = np.zeros(self._objective.size), {}
        apart = source.apart(self._size)
        steps = source.steps if apart is None else apart.count
        batches = self._batches(source) if apart is None else self._each(apart)
        # One that is not detailed is a training's, which shows its own progress.
        with counting("batches", steps) if detailed else nullcontext() as count:
            for place in itertools.count() if steps is None else range(steps):
                callbacks.on_test_batch_begin(place)
                parts = next(batches, None)
                if parts is None:
                    break
                for part in parts:
                    sums += part
                found = self._objective.figures(sums)
                callbacks.on_test_batch_end(place, found)
                if count is not None:
                    count(1)
        callbacks.on_test_end(found)
        source.finish()
        require_batches(found)
        return self._objective.figures(sums, detailed=True) if detailed else found

    def _each(self, parts: Parts) -> Iterator[list[np.ndarray]]:
        """Yield what is to be added up of each part, a batch of its own."""
        for _, _, found in self._step.over(parts, unsized):
            yield [found]

    def _batches(self, source: Feed) -> Iterator[list[np.ndarray]]:
        """Yield what is to be added up of each batch."""
        batches, known = source.whole()
        counts: deque[int] = deque()  # of the parts of batches that were read

        def parts() -> Iterator[Part]:
            for batch in batches:
                cut = list(recut([batch], self._size))
                counts.append(len(cut))
                yield from cut

        sums: list[np.ndarray] = []
        for _, _, found in self._step.over(parts(), lambda x: known or unsized(x)):
            sums.append(found)
            while counts and not counts[0]:
                counts.popleft()  # a batch without a sample
            if len(sums) == counts[0]:
                counts.popleft()
                yield sums
                sums = []
