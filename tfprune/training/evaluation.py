"""The loss and accuracy of a model over a data set."""

import keras
import tensorflow as tf

from tfprune.training import losses, steps
from tfprune.training.feeding import Feed, feed, require_batches


def evaluate(
    model: keras.Model, data: object, *, loss: object = None, batch_size: int | None = None
) -> dict[str, float]:
    """Measure a model on data, every sample with equal weight, also in an uneven last batch.

    Args:
        model: a model with one output; it is not changed.
        data: a tf.data.Dataset of batches (inputs, labels), a PyDataset, a pair of arrays, or
            `split.epochs(...)` of `tfprune.data`.
        loss: a Keras loss, its name, or a function (labels, outputs) -> [B]; None: the one the
            model is compiled with, else sparse categorical cross-entropy.
        batch_size: for arrays; None: 32.

    Returns:
        "loss", with the layers' regularisers as in Keras' own `evaluate`; and "accuracy" in
        0..1 where the labels are class numbers or one-hot.

    Raises:
        PruningError: data of another form, or a loss that cannot be chosen.

    Example:
        >>> import numpy as np
        >>> layers = [keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")]
        >>> found = evaluate(keras.Sequential(layers), (np.zeros((4, 3)), np.zeros(4, int)))
        >>> found["accuracy"]
        1.0
    """
    per_sample = losses.per_sample(losses.choose(model, loss))
    return run(steps.evaluation_step(model, per_sample), feed(data, batch_size=batch_size))


def run(
    step: steps.Step, source: Feed, callbacks: keras.callbacks.CallbackList | None = None
) -> dict[str, float]:
    """Measure all batches of a source, with a step that was made before.

    Args:
        step: of `steps.evaluation_step`.
        source: the batches.
        callbacks: told of every batch, as by Keras' own `evaluate`.

    Returns:
        As `evaluate`.

    Raises:
        PruningError: there is no batch.
    """
    callbacks = callbacks or keras.callbacks.CallbackList()
    callbacks.on_test_begin()
    sums, found = steps.nothing(), {}
    batches = source.batches(0)
    for place in source.places():
        callbacks.on_test_batch_begin(place)
        try:
            sums = step(batches, sums)
        except tf.errors.OutOfRangeError:
            break
        found = steps.metrics(sums)
        callbacks.on_test_batch_end(place, found)
    callbacks.on_test_end(found)
    source.finish()
    return require_batches(found)
