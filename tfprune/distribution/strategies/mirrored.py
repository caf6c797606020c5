"""All GPUs of this machine, each with a copy of the model; else the processor's devices."""

import tensorflow as tf


def make() -> tf.distribute.Strategy:
    """Return a MirroredStrategy over the devices that TensorFlow sees."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return tf.distribute.MirroredStrategy(
        [device.name for device in tf.config.list_logical_devices(kind)]
    )
