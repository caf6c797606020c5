"""One device: the first GPU, or the processor."""

import tensorflow as tf


def make() -> tf.distribute.Strategy:
    """Return TensorFlow's own default, without any replicas."""
    return tf.distribute.get_strategy()
