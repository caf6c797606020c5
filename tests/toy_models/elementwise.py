"""Plain operations, scales and constants in the graph."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.src.applications.convnext import LayerScale
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from tests.toy_models._toy import Toy, toy


@toy
def plain_operations() -> Toy:
    """Image -> a(4) -+-> b(4) -> + -> * -> head(2).
                      +-----------+    |
                      +-> c(4) --------+
    """  # fmt: skip
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = layers.Conv2D(4, 1, name="b")(a) + a
    x = x * layers.Conv2D(4, 1, name="c")(a)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "abcd", "c": "abcd", "head": ".."})


@toy
def hard_swish() -> Toy:
    """Image -> a(4) -> x * relu6(x + 3) * (1 / 6) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="a")(image)
    x = x * (layers.ReLU(6.0, name="relu6")(x + 3.0) * (1.0 / 6.0))
    y = layers.Conv2D(2, 1, name="head")(1.0 - x)
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def layer_scale() -> Toy:
    """Image -> a(4) -+-> b(4) -> scale of each channel -> + -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = LayerScale(1e-6, 4, name="scale")(layers.Conv2D(4, 1, name="b")(a))
    y = layers.Conv2D(2, 1, name="head")(layers.Add(name="add")([a, x]))
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "abcd", "head": ".."})


@toy
def inception_resnet_scale() -> Toy:
    """Image -> a(4) -+-> b(4) -> a + 0.3 * b -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = CustomScaleLayer(0.3, name="scale")([a, layers.Conv2D(4, 1, name="b")(a)])
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "abcd", "head": ".."})


@toy
def constants_per_channel() -> Toy:
    """Image -> a(4) -> * [4 constants] -> + [4, 1] x [4] constants -> 1 / -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, activation="exponential", name="a")(image)
    x = x * np.arange(1, 5, dtype="float32")
    x = x + np.arange(16, dtype="float32").reshape(4, 1, 4)
    y = layers.Conv2D(2, 1, name="head")(ops.divide(np.linspace(1, 2, 4, dtype="float32"), x))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def clipped_per_channel() -> Toy:
    """Image -> a(3) -> clip between two constants a channel: held by the operation -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = ops.clip(x, np.array([-1, -2, -3], "float32"), np.array([1, 2, 3], "float32"))
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "for every channel"})


@toy
def one_channel_for_all() -> Toy:
    """Image -> a(4) -+------------- * -> head(2): one map weighs all channels.
                      +-> gate(1) ---+
    """  # fmt: skip
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    gate = layers.Conv2D(1, 1, activation="sigmoid", name="gate")(a)
    y = layers.Conv2D(2, 1, name="head")(a * gate)
    return Toy(
        keras.Model(image, y),
        {"a": "abcd", "gate": ".", "head": ".."},
        {"gate": "one channel is broadcast over all"},
    )


@toy
def outer_product() -> Toy:
    """Vector -> a(3) -> [3, 1] * [1, 4] <- b(4) -> flatten -> head(2)."""
    vector = keras.Input((5,))
    a = layers.Reshape((3, 1), name="column")(layers.Dense(3, name="a")(vector))
    b = layers.Reshape((1, 4), name="row")(layers.Dense(4, name="b")(vector))
    y = layers.Dense(2, name="head")(layers.Flatten(name="flatten")(a * b))
    return Toy(
        keras.Model(vector, y),
        {"a": "...", "b": "....", "head": ".."},
        {"a": "broadcast", "b": "broadcast"},
    )


@toy
def operation_calls() -> Toy:
    """Image -> a(4) -> where(a > b, a, max(a, b)) <- b(4); silu, abs, cast, clip -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(image)
    x = ops.where(a > b, ops.silu(a), ops.maximum(a, ops.abs(b)))
    x = ops.clip(ops.cast(x, "float32"), -3.0, 3.0) - ops.minimum(ops.square(b), 2.0)
    y = layers.Conv2D(2, 1, name="head")(ops.leaky_relu(x, 0.1))
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "abcd", "head": ".."})


@toy
def activations() -> Toy:
    """Image -> a(3) gelu -> b(3), an unknown function -> c(3) -> Activation -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, activation="gelu", name="a")(image)
    x = layers.Conv2D(3, 1, activation=layers.LeakyReLU(name="leaky"), name="b")(x)
    x = layers.Activation("hard_silu", name="act")(layers.Conv2D(3, 1, name="c")(x))
    y = layers.Conv2D(2, 1, name="head")(layers.ELU(name="elu")(x))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "def", "c": "ghi", "head": ".."})


@toy
def unknown_activation() -> Toy:
    """Image -> a(3) with a function of the user's -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, activation=_reversed, name="a")(image)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "does not act on each"})


@keras.saving.register_keras_serializable("toys")
def _reversed(x):
    return ops.flip(x, -1)


@toy
def reductions() -> Toy:
    """Image -> a(4) -> mean over places, kept -> * a -> max over rows -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = a * ops.mean(a, axis=(1, 2), keepdims=True)
    x = ops.max(x, axis=1)
    y = layers.Dense(2, name="head")(ops.sum(x, axis=-2))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def reductions_over_channels() -> Toy:
    """Image -> a(4) -+-> mean, sum, max, min over channels -> * <- b(4) <- image; head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = layers.Conv2D(4, 1, name="b")(image)
    for reduce in (ops.mean, ops.max, ops.min):
        x = x * ops.sigmoid(reduce(a, axis=-1, keepdims=True))
    x = layers.GlobalAveragePooling2D()(x)
    y = layers.Dense(2, name="head")(x) + ops.sum(a, axis=(1, 2, 3))[:, None]
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "efgh", "head": ".."})


@toy
def deviation_over_channels() -> Toy:
    """Image -> a(4) -+-> deviation over channels -> * <- b(4) <- image; head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(image)
    y = layers.Conv2D(2, 1, name="head")(b * ops.std(a, axis=-1, keepdims=True))
    return Toy(keras.Model(image, y), {"a": "efgh", "b": "abcd", "head": ".."})


@toy
def product_over_channels() -> Toy:
    """Image -> a(4) -+-> product over channels -> * <- b(4) <- image; head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(image)
    y = layers.Conv2D(2, 1, name="head")(b * ops.prod(a, axis=-1, keepdims=True))
    return Toy(
        keras.Model(image, y),
        {"a": "....", "b": "abcd", "head": ".."},
        {"a": "taken over the channels"},
    )


@keras.saving.register_keras_serializable("tests")
def _own_activation(x):
    return x * ops.sigmoid(1.5 * x)


@toy
def activations_of_any_origin() -> Toy:
    """Image -> a(4), TensorFlow's relu -> one's own -> b(4), an operation -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a", activation=tf.nn.relu)(image)
    x = layers.Activation(_own_activation, name="own")(a)
    x = layers.Conv2D(4, 1, name="b", activation=keras.ops.silu)(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "efgh", "head": ".."})


@toy
def several_axes_of_channels() -> Toy:
    """Image -> a(12) -> 3 x 4, softmax over the 3; one of the 3, unstacked, summed -> head(2)."""
    image = keras.Input((2, 2, 3))
    a = layers.Conv2D(12, 1, name="a")(image)
    x = ops.softmax(ops.reshape(a, (-1, 2, 2, 3, 4)), axis=3)
    first, *_ = ops.unstack(ops.abs(x), 3, axis=3)
    x = first + x[:, :, :, 1] + ops.sum(x * x, axis=3)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd" * 3, "head": ".."})


@toy
def rolled_places() -> Toy:
    """Image -> a(4) -> rolled over rows and columns at once -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    y = layers.Conv2D(2, 2, name="head")(ops.roll(a, (1, 2), axis=(1, 2)))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})
