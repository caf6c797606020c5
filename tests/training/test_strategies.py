"""Several devices: in a process of their own, since devices cannot be divided later."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.training.toys import blobs, largest_difference, network
from tfprune.training import Distillation, evaluate, fine_tune

# One for the whole process: two of them mix up the sums of synchronized normalisations.
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def synchronized(regulariser=None):
    model = network()
    model.get_layer("norm").synchronized = True
    model.get_layer("head").kernel_regularizer = regulariser
    return model

def both(model, count, **settings):
    data = blobs(count)
    settings = {"epochs": 3, "learning_rate": 0.1, "batch_size": 16, **settings}
    one, first = fine_tune(model, data, validation=data, **settings)
    with strategy.scope():
        two, second = fine_tune(model, data, validation=data, **settings)
        found = evaluate(two, data)
    for name in first.metrics:
        np.testing.assert_allclose(first.metrics[name], second.metrics[name], rtol=1e-5)
    np.testing.assert_allclose(found["loss"], evaluate(one, data)["loss"], rtol=1e-5)
    assert largest_difference(one, two) < 1e-5, largest_difference(one, two)
    assert largest_difference(one, model) > 0.01

both(synchronized(), 48, schedule="cosine", weight_decay=0.1)
both(synchronized(), 48, weight_decay=0.1, clip_norm=0.3)
both(synchronized(keras.regularizers.L2(0.1)), 46)  # a last batch of 14: shares of 7
both(network(normalise=False), 48, teacher=Distillation(network(seed=3)), optimizer="adam")
with strategy.scope():  # a last batch of one sample: the second device would get none
    trained, _ = fine_tune(synchronized(), blobs(49), epochs=2, batch_size=16)
    assert np.isfinite(trained.get_weights()[4]).all()
    folder = sys.argv[1]
    a, _ = fine_tune(synchronized(), blobs(), epochs=3, checkpoint_dir=folder + "/a")
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt
    try:
        fine_tune(synchronized(), blobs(), epochs=3, checkpoint_dir=folder + "/b",
                  callbacks=[Stop()])
    except KeyboardInterrupt:
        pass
    b, _ = fine_tune(synchronized(), blobs(), epochs=3, checkpoint_dir=folder + "/b")
    assert largest_difference(a, b) == 0

# In half precision the loss is scaled: what overflows on one device must not count on another.
half = {"epochs": 4, "learning_rate": 0.1, "precision": "mixed_float16"}
x, labels = blobs(16)
x[8:] *= 40  # those of the second device
data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(16)
one, _ = fine_tune(network(normalise=False), data, **half)
with strategy.scope():
    two, _ = fine_tune(network(normalise=False), data, **half)
    many, _ = fine_tune(network(normalise=False), data, **{**half, "epochs": 12})
assert all(np.isfinite(w).all() for w in two.get_weights())
assert largest_difference(one, two) < 0.02, largest_difference(one, two)
assert largest_difference(many, network(normalise=False)) > 0.1
print("all equal")
"""


def test_two_devices_equal_one(tmp_path):
    root = str(Path(__file__).parents[2])
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip().endswith("all equal"), done.stderr[-3000:]
