"""Whether TensorFlow can convolve images whose channels come first, as it is built and set here."""

from functools import cache

import pytest
import tensorflow as tf


@cache
def _runs() -> bool:
    try:  # on a CPU oneDNN alone has a kernel for it, and TF_ENABLE_ONEDNN_OPTS=0 switches it off
        tf.nn.conv2d(tf.ones((1, 1, 2, 2)), tf.ones((1, 1, 1, 1)), 1, "VALID", "NCHW")
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
        return False
    return True


def require_channels_first() -> None:
    """Skip the test where it cannot."""
    if not _runs():
        pytest.skip("TensorFlow has no channels-first convolution here")
