"""The loss and the task's figures of a model over a data set."""

from typing import Any

import keras
import tensorflow as tf

from tfprune.tasks import Task
from tfprune.training import losses, steps
from tfprune.training.feeding import Feed, feed, require_batches
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
    step = steps.evaluation_step(model, objective)
    return run(step, objective, feed(data, model, "evaluate", batch_size=batch_size), detailed=True)


def run(
    step: steps.Step,
    objective: Objective,
    source: Feed,
    callbacks: keras.callbacks.CallbackList | None = None,
    *,
    detailed: bool = False,
) -> dict[str, float]:
    """Measure all batches of a source, with a step that was made before.

    Args:
        step: of `steps.evaluation_step`.
        objective: what that step adds up.
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
    sums, found = steps.nothing(objective), {}
    batches = source.batches(0)
    for place in source.places():
        callbacks.on_test_batch_begin(place)
        try:
            sums = step(batches, sums)
        except tf.errors.OutOfRangeError:
            break
        found = objective.figures(sums)
        callbacks.on_test_batch_end(place, found)
    callbacks.on_test_end(found)
    source.finish()
    require_batches(found)
    return objective.figures(sums, detailed=True) if detailed else found
