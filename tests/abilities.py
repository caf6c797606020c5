"""What TensorFlow and Keras have here: on a CPU, some of it by oneDNN alone.

TensorFlow takes oneDNN by itself on processors with AVX-512 only; `TF_ENABLE_ONEDNN_OPTS` says
otherwise.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import pytest
import tensorflow as tf
from packaging.version import Version

_NONE = tf.errors.UnimplementedError, tf.errors.InvalidArgumentError


@cache
def _runs(operation: Callable[[], Any]) -> bool:
    try:
        operation()
    except _NONE:
        return False
    return True


def _channels_first() -> tf.Tensor:
    return tf.nn.conv2d(tf.ones((1, 1, 2, 2)), tf.ones((1, 1, 1, 1)), 1, "VALID", "NCHW")


def _dilated_transpose() -> tf.Tensor:
    one = tf.ones((1, 1, 1, 1))
    return tf.nn.conv2d_transpose(one, tf.ones((2, 2, 1, 1)), (1, 3, 3, 1), 1, "VALID", dilations=2)


def require_channels_first(name: str = "channels_first") -> None:
    """Skip the test where no image can be convolved whose channels come first.

    Args:
        name: of a model; only those that are called so need it.
    """
    if name.startswith("channels_first") and not _runs(_channels_first):
        pytest.skip("TensorFlow has no channels-first convolution here")


def require_dilated_transpose() -> None:
    """Skip the test where no transposed convolution can be dilated."""
    if not _runs(_dilated_transpose):
        pytest.skip("TensorFlow has no dilated transposed convolution here")


def has_keras(version: str) -> bool:
    """Return whether Keras is of this version or a newer one."""
    return Version(keras.__version__) >= Version(version)


def require_keras(version: str, what: str) -> None:
    """Skip the test under a Keras that has not what it is about.

    Args:
        version: the first that has it, e.g. "3.14".
        what: it is, in words.
    """
    if not has_keras(version):
        pytest.skip(f"Keras {keras.__version__} has no {what}")
