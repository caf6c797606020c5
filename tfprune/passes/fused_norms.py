"""BatchNormalization in TensorFlow's one kernel for images, where that gives the same numbers.

Keras computes it by several operations, each of which reads and writes the whole map.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Norm = keras.layers.BatchNormalization


def on_batch_statistics(norm: Norm, inputs: tf.Tensor, **others: Any) -> tf.Tensor | None:
    """Return what a normalisation makes of a batch in training, without moving its statistics.

    Args:
        norm: the layer.
        inputs: its input, [N, ..., C].
        **others: what else the layer is called with.

    Returns:
        Its output, or None where the kernel does not serve: call the layer then.
    """
    plain = norm.trainable and norm.scale and norm.center  # a frozen one uses moving statistics
    if not plain or others.get("mask") is not None or not _is_image(norm, inputs):
        return None
    return tf.raw_ops.FusedBatchNormV3(
        x=inputs, scale=norm.gamma.value, offset=norm.beta.value, mean=[], variance=[],
        epsilon=norm.epsilon,
    ).y  # fmt: skip


def on_moving_statistics(norm: Norm, inputs: tf.Tensor, **_: Any) -> tf.Tensor | None:
    """Return what a normalisation makes of its input at inference.

    It can be differentiated with respect to the input alone.

    Args:
        norm: the layer.
        inputs: its input, [N, ..., C].
        **_: what else the layer is called with, which does nothing at inference.

    Returns:
        Its output, or None where the kernel does not serve: call the layer then.

    Example:
        >>> norm = keras.layers.BatchNormalization(epsilon=1.0)
        >>> norm.build((None, 1, 1, 2))
        >>> y = on_moving_statistics(norm, tf.constant([[[[1.0, 2.0]]]]))
        >>> [round(float(v), 4) for v in y[0, 0, 0]]
        [0.7071, 1.4142]
    """
    if not _is_image(norm, inputs):
        return None
    mean, variance = (
        tf.convert_to_tensor(w.value) for w in (norm.moving_mean, norm.moving_variance)
    )
    scale = tf.convert_to_tensor(norm.gamma.value) if norm.scale else tf.ones_like(mean)
    shift = tf.convert_to_tensor(norm.beta.value) if norm.center else tf.zeros_like(mean)
    y = _inference(norm.epsilon)(inputs, scale, shift, mean, variance)
    return tf.ensure_shape(y, inputs.shape)


@functools.cache
def _inference(epsilon: float) -> Callable[..., tf.Tensor]:
    """Return the kernel at inference as a function of (x, scale, shift, mean, variance).

    It is traced once for all models: TensorFlow registers a gradient of one's own under a new
    name each time that it meets it in a graph, for good, and with it holds that graph.
    """
    image, vector = tf.TensorSpec([None] * 4), tf.TensorSpec([None])

    @tf.function(input_signature=[image, vector, vector, vector, vector], autograph=False)
    @tf.custom_gradient
    def normalised(x, scale, shift, mean, variance):  # noqa: ANN001 - as the signature says
        y = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale, offset=shift, mean=mean, variance=variance, epsilon=epsilon,
            is_training=False,
        ).y  # fmt: skip

        def gradient(slope: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            # The kernel's own gradient would also sum up those of scale and shift.
            return slope * (scale * tf.math.rsqrt(variance + epsilon)), None, None, None, None

        return y, gradient

    return normalised


def _is_image(norm: Norm, x: tf.Tensor) -> bool:
    if type(norm) is not Norm:  # a user's own may compute something else
        return False
    return x.shape.rank == 4 and norm.axis in (-1, 3) and x.dtype == tf.float32
