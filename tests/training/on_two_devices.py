"""Train small models on two devices and on one, and write how far they lie apart.

A program of its own, `on_two_devices OUT`, since a processor cannot be divided into devices later.
"""

import json
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.training.toys import blobs, largest_difference, network
from tfprune.training import Distillation, evaluate, fine_tune

HALF = {"epochs": 4, "learning_rate": 0.1, "precision": "mixed_float16"}


def synchronized(regulariser=None):
    model = network()
    model.get_layer("norm").synchronized = True
    model.get_layer("head").kernel_regularizer = regulariser
    return model


def both(strategy, model, count, **settings):
    """Train on one device and on two; return how far weights, metrics and losses lie apart."""
    data = blobs(count)
    settings = {"epochs": 3, "learning_rate": 0.1, "batch_size": 16, **settings}
    one, first = fine_tune(model, data, validation=data, **settings)
    with strategy.scope():
        two, second = fine_tune(model, data, validation=data, **settings)
        found = evaluate(two, data)["loss"]
    wanted = evaluate(one, data)["loss"]
    pairs = [(first.metrics[name], second.metrics[name]) for name in first.metrics]
    pairs.append(([wanted], [found]))
    gaps = [np.max(np.abs(np.subtract(a, b)) / np.maximum(np.abs(a), 1e-12)) for a, b in pairs]
    return {
        "weights": largest_difference(one, two),
        "figures": max(map(float, gaps)),
        "moved": largest_difference(one, model),
    }


def sgd_with_weight_decay(strategy):
    return both(strategy, synchronized(), 48, schedule="cosine", weight_decay=0.1)


def clipped_gradients(strategy):
    return both(strategy, synchronized(), 48, weight_decay=0.1, clip_norm=0.3)


def a_regulariser_and_a_last_batch_of_14(strategy):
    return both(strategy, synchronized(keras.regularizers.L2(0.1)), 46)


def adam_with_a_teacher(strategy):
    teacher = Distillation(network(seed=3))
    return both(strategy, network(normalise=False), 48, teacher=teacher, optimizer="adam")


def a_last_batch_of_one_sample(strategy):
    """The second device would get none of it."""
    with strategy.scope():
        trained, _ = fine_tune(synchronized(), blobs(49), epochs=2, batch_size=16)
    return {"finite": bool(np.isfinite(trained.get_weights()[4]).all())}


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def a_run_that_is_stopped(strategy):
    with strategy.scope(), tempfile.TemporaryDirectory() as folder:
        whole, _ = fine_tune(synchronized(), blobs(), epochs=3, checkpoint_dir=folder + "/a")
        settings = {"epochs": 3, "checkpoint_dir": folder + "/b"}
        with suppress(KeyboardInterrupt):
            fine_tune(synchronized(), blobs(), callbacks=[Stop()], **settings)
        resumed, history = fine_tune(synchronized(), blobs(), **settings)
    return {"weights": largest_difference(whole, resumed), "epochs": len(history.metrics["loss"])}


def half_precision(strategy):
    """Its loss is scaled: what overflows on one device must not count on another."""
    x, labels = blobs(16)
    x[8:] *= 40  # those of the second device
    data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(16)
    start = network(normalise=False)
    one, _ = fine_tune(start, data, **HALF)
    with strategy.scope():
        two, _ = fine_tune(start, data, **HALF)
        many, _ = fine_tune(start, data, **{**HALF, "epochs": 12})
    return {
        "finite": all(bool(np.isfinite(w).all()) for w in two.get_weights()),
        "weights": largest_difference(one, two),
        "moved": largest_difference(many, start),
    }


def half_precision_in_parts(strategy):
    """Without overflow: gradients of two parts on two devices are those of a whole batch."""
    data, start = blobs(46), network(normalise=False)  # batches of 16, 16 and 14
    settings = {**HALF, "epochs": 2, "batch_size": 16}
    one, _ = fine_tune(start, data, **settings)
    with strategy.scope():
        two, _ = fine_tune(start, data, **settings, accumulate=2)
    return {"weights": largest_difference(one, two), "moved": largest_difference(one, start)}


EQUAL = (
    sgd_with_weight_decay,
    clipped_gradients,
    a_regulariser_and_a_last_batch_of_14,
    adam_with_a_teacher,
)
CASES = (
    *EQUAL, a_last_batch_of_one_sample, a_run_that_is_stopped, half_precision,
    half_precision_in_parts,
)  # fmt: skip


def main(path):
    """Write {case: what was found, or the trace of its error}."""
    warnings.simplefilter("error")
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    # One for the whole process: two of them mix up the sums of synchronized normalisations.
    strategy, found = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), {}
    for case in CASES:
        try:
            found[case.__name__] = case(strategy)
        except Exception:  # the test of this case shows it
            found[case.__name__] = traceback.format_exc()
    Path(path).write_text(json.dumps(found, default=float))


if __name__ == "__main__":
    main(sys.argv[1])
