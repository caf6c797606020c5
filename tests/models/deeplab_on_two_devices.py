"""Train a small DeepLabV3 on one device and on two: `deeplab_on_two_devices OUT`.

A program of its own, since a processor cannot be divided into devices later.
"""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import models
from tfprune.tasks import segmentation
from tfprune.training import Recipe, fine_tune


def network(synchronized):
    """A network that draws nothing in training, with the head that helps it."""
    keras.utils.set_random_seed(0)
    model = models.build(
        "deeplab_tiny", num_classes=3, input_shape=(32, 32, 3), aux_head=True,
        bn_synchronized=synchronized,
    )  # fmt: skip
    result = keras.models.clone_model(model, clone_function=without_draws)
    result.set_weights(model.get_weights())
    return result


def without_draws(layer):
    """Return a layer anew, a dropout as one that drops nothing."""
    own = {"rate": 0.0} if isinstance(layer, keras.layers.Dropout) else {}
    return type(layer).from_config({**layer.get_config(), **own})


def data():
    """Eight images, of which the devices see unlike halves, and a fifth of whose pixels is void."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(8, 32, 32, 3)).astype("float32")
    images[4:] = 3 * images[4:] + 1
    labels = rng.integers(0, 3, size=(8, 32, 32)).astype("int32")
    labels[rng.random(labels.shape) < 0.2] = 255
    return images, labels


def trained(synchronized, scope):
    """Return the weights after two epochs of one batch."""
    task = segmentation.TASK()
    recipe = Recipe(epochs=2, optimizer="sgd", learning_rate=0.02, task=task, seed=0)
    images = tf.data.Dataset.from_tensor_slices(data()).batch(8)
    with scope:
        return fine_tune(network(synchronized), images, recipe=recipe)[0].get_weights()


def main(path):
    """Write the largest differences of the weights, and by how much training moved them."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one = trained(True, nullcontext())
    runs = {
        "synchronized": trained(True, two.scope()),
        "each its own": trained(False, two.scope()),
        "untrained": network(True).get_weights(),
    }
    found = {
        name: max(float(np.abs(a - b).max()) for a, b in zip(one, weights, strict=True))
        for name, weights in runs.items()
    }
    Path(path).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
