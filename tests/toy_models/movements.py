"""Pure data movement: concatenation, splits, slices, shuffles, reshapes."""

import keras
import numpy as np
from keras import layers, ops

from tests.abilities import require_keras
from tests.toy_models._toy import Toy, toy


@toy
def flatten() -> Toy:
    """Image -> a(3) -> flatten [H * W * 3] -> d(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Flatten(name="flatten")(layers.Conv2D(3, 3, name="a")(image))
    y = layers.Dense(2, name="head")(layers.Dense(4, name="d")(x))
    return Toy(keras.Model(image, y), {"a": "abc", "d": "defg", "head": ".."})


@toy
def dense_net() -> Toy:
    """Image -> a(3) -+-> b(2) -> [a b] -+-> c(2) -> [a b c] -> BN -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    b = layers.Conv2D(2, 1, name="b")(a)
    ab = layers.Concatenate(name="ab")([a, b])
    c = layers.Conv2D(2, 1, name="c")(layers.ReLU(name="relu")(ab))
    x = layers.BatchNormalization(name="bn")(ops.concatenate([ab, c], axis=-1))
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abc", "b": "de", "c": "fg", "head": ".."})


@toy
def concatenated_in_space() -> Toy:
    """Image -> a(3) above b(3) in one map -> head(2)."""
    image = keras.Input((8, 4, 3))
    a, b = (layers.Conv2D(3, 1, name=name)(image) for name in "ab")
    y = layers.Conv2D(2, 1, name="head")(layers.Concatenate(axis=1, name="above")([a, b]))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "abc", "head": ".."})


@toy
def patches() -> Toy:
    """Image -> a(3) -> patches of 2 x 2 places [12] -> b(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = ops.image.extract_patches(layers.Conv2D(3, 1, name="a")(image), 2)
    y = layers.Conv2D(2, 1, name="head")(layers.Conv2D(4, 1, name="b")(x))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "defg", "head": ".."})


@toy
def stacked() -> Toy:
    """Vector -> a(3), b(3) stacked in time -> mean -> head(2)."""
    vector = keras.Input((5,))
    a, b = (layers.Dense(3, name=name)(vector) for name in "ab")
    y = layers.Dense(2, name="head")(ops.mean(ops.stack([a, b], axis=1), axis=1))
    return Toy(keras.Model(vector, y), {"a": "abc", "b": "abc", "head": ".."})


@toy
def gated_linear_unit() -> Toy:
    """Image -> a(6) -> halves -> first * sigmoid(second) -> head(2)."""
    image = keras.Input((4, 4, 3))
    first, second = ops.split(layers.Conv2D(6, 1, name="a")(image), 2, axis=-1)
    y = layers.Conv2D(2, 1, name="head")(first * ops.sigmoid(second))
    return Toy(keras.Model(image, y), {"a": "abcabc", "head": ".."})


@toy
def split_unevenly() -> Toy:
    """Image -> a(6) -> parts of 1, 3 and 2 -> p(2), q(2), r(2) added -> head(2)."""
    image = keras.Input((4, 4, 3))
    parts = ops.split(layers.Conv2D(6, 1, name="a")(image), [1, 4], axis=-1)
    p, q, r = (
        layers.Conv2D(2, 1, name=name)(part) for name, part in zip("pqr", parts, strict=True)
    )
    y = layers.Conv2D(2, 1, name="head")(layers.Add(name="add")([p, q, r]))
    return Toy(
        keras.Model(image, y),
        {"a": "abcdef", "p": "gh", "q": "gh", "r": "gh", "head": ".."},
        always="abe",
    )


@toy
def shuffle_net() -> Toy:
    """Image -> a(6) -> halves -+------------> [l c] -> shuffle in 2 groups -> head(2).
                                +-> b(3), c(3) --^
    """  # fmt: skip
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(6, 1, name="a")(image)
    left, right = a[..., :3], a[..., 3:]
    c = layers.Conv2D(3, 1, name="c")(layers.Conv2D(3, 1, name="b")(right))
    x = _shuffled(layers.Concatenate(name="cat")([left, c]), 2)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(
        keras.Model(image, y),
        {"a": "abcdef", "b": "ghi", "c": "abc", "head": ".."},
        always="ad",
    )


def _shuffled(x, groups):
    height, width, channels = x.shape[1:]
    x = layers.Reshape((height, width, groups, channels // groups))(x)
    return layers.Reshape((height, width, channels))(layers.Permute((1, 2, 4, 3))(x))


@toy
def channel_shuffle() -> Toy:
    """Image -> a(6) -> shuffle in 2 groups of 3: order 0 3 1 4 2 5 -> split -> b(4), c(4) -> +.

    The groups' members move as rows of a table, so a table's row goes as a whole.
    """
    image = keras.Input((4, 4, 3))
    x = _shuffled(layers.Conv2D(6, 1, name="a")(image), 2)
    b, c = ops.split(x, 2, axis=-1)
    x = layers.Conv2D(4, 1, name="b")(b) + layers.Conv2D(4, 1, name="c")(c)
    y = layers.Conv2D(2, 1, name="head")(x)
    units = {"a": "abcabc", "b": "defg", "c": "defg", "head": ".."}
    return Toy(keras.Model(image, y), units, always="ac")


@toy
def pixel_shuffle_channels_last() -> Toy:
    """Image -> a(12) -> [2, 2, 3] per place -> places doubled, 3 channels -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(12, 1, name="a")(image)
    x = ops.transpose(ops.reshape(x, (-1, 4, 4, 2, 2, 3)), (0, 1, 3, 2, 4, 5))
    y = layers.Conv2D(2, 1, name="head")(ops.reshape(x, (-1, 8, 8, 3)))
    return Toy(keras.Model(image, y), {"a": "abcabcabcabc", "head": ".."})


@toy
def pixel_shuffle_channels_outer() -> Toy:
    """Image -> a(12) -> [3, 2, 2] per place -> places doubled, 3 channels -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(12, 1, name="a")(image)
    x = layers.Reshape((4, 4, 3, 2, 2), name="open")(x)
    x = layers.Permute((1, 4, 2, 5, 3), name="turn")(x)
    x = layers.Reshape((8, 8, 3), name="close")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "aaaabbbbcccc", "head": ".."})


@toy
def depth_to_space() -> Toy:
    """Image -> a(8) -> blocks of 2 x 2, 2 channels -> b(3) -> space to depth -> head(2)."""
    require_keras("3.14", "depth_to_space")
    image = keras.Input((4, 4, 3))
    x = ops.depth_to_space(layers.Conv2D(8, 1, name="a")(image), 2)
    x = ops.space_to_depth(layers.Conv2D(3, 1, name="b")(x), 2)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abababab", "b": "cde", "head": ".."})


@toy
def slices() -> Toy:
    """Image -> a(6) -> places 1:3; channels ::2 -> b(2); channels backwards + a -> head(2)."""
    image = keras.Input((5, 5, 3))
    a = layers.Conv2D(6, 1, name="a")(image)[:, 1:3, 1:-1]
    b = layers.Conv2D(6, 1, name="b")(a[..., 1::2])
    x = layers.Concatenate(name="cat")([a[..., ::-2], b])
    y = layers.Conv2D(2, 1, name="head")(x)
    units = {"a": "abcdef", "b": "ghijkl", "head": ".."}
    return Toy(keras.Model(image, y), units, always="bf")


@toy
def one_channel_picked() -> Toy:
    """Image -> a(3) -+-> channel 1 alone, and the last row -> flatten -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    row, one = layers.Flatten(name="row")(a[:, -1]), layers.Flatten(name="one")(a[..., 1])
    y = layers.Dense(2, name="head")(layers.Concatenate(name="cat")([row, one]))
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "picked out"})


@toy
def taken() -> Toy:
    """Image -> a(4) -> channels 3 1 1 0 -> rolled by 1 -> flipped -> repeated twice -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="a")(image)
    x = ops.roll(ops.take(x, [3, 1, 1, 0], axis=-1), 1, axis=-1)
    y = layers.Conv2D(2, 1, name="head")(ops.repeat(ops.flip(x, -1), 2, axis=-1))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."}, always="a")


@toy
def repeated_unevenly() -> Toy:
    """Image -> a(3) -> channels once, twice, once: the counts are fixed -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = ops.repeat(layers.Conv2D(3, 1, name="a")(image), np.array([1, 2, 1]), axis=-1)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "repeats"})


@toy
def squeezed() -> Toy:
    """Vector -> a(2) -> axes of length 1 come and go, by name and by size -> head(2).

    A single channel that is left must not be squeezed away with them.
    """
    vector = keras.Input((5,), batch_size=4)
    x = ops.expand_dims(layers.Dense(2, name="a")(vector), 1)
    x = ops.squeeze(ops.expand_dims(ops.squeeze(x, axis=1), -2))
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(vector, y), {"a": "ab", "head": ".."}, always="a")


@toy
def rearranged() -> Toy:
    """Image -> a(6) -> (g c) to (c g), g = 2 -> places to one axis -> mean -> head(2)."""
    image = keras.Input((4, 4, 3), batch_size=4)
    x = layers.Conv2D(6, 1, name="a")(image)
    x = ops.rearrange(x, "b h w c -> b (h w) c")
    y = layers.Dense(2, name="head")(layers.GlobalMaxPooling1D(name="max")(x))
    return Toy(keras.Model(image, y), {"a": "abcdef", "head": ".."})


@toy
def turned() -> Toy:
    """Image -> a(4) -> channels first and back, by transpose, moveaxis and swapaxes -> head(2)."""
    image = keras.Input((4, 5, 3))
    x = ops.transpose(layers.Conv2D(4, 1, name="a")(image), (0, 3, 1, 2))
    x = ops.moveaxis(layers.BatchNormalization(axis=1, name="bn")(x), 1, 3)
    x = ops.swapaxes(ops.swapaxes(x, 1, 2), 2, 1)
    y = layers.Conv2D(2, 1, name="head")(ops.tile(x, (1, 1, 1, 2)))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def rows_as_samples() -> Toy:
    """Image -> a(4) -> every place a sample of the batch -> d(3) -> back to images -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="a")(image)
    x = layers.Dense(3, name="d")(ops.reshape(x, (-1, 4)))
    y = layers.Conv2D(2, 1, name="head")(ops.reshape(x, (-1, 4, 4, 3)))
    return Toy(keras.Model(image, y), {"a": "abcd", "d": "efg", "head": ".."})


@toy
def channels_as_samples() -> Toy:
    """Image -> a(2) -> every channel a sample of the batch, which has no channels -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = ops.transpose(layers.Conv2D(2, 1, name="a")(image), (0, 3, 1, 2))
    y = layers.Conv2D(2, 1, name="head")(ops.reshape(x, (-1, 4, 4, 1)))
    return Toy(keras.Model(image, y), {"a": "..", "head": ".."}, {"a": "unknown size"})


@toy
def windows() -> Toy:
    """Image -> a(4) -> windows of 2 x 2 as samples -> d(4) -> joined again, + a -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = ops.transpose(ops.reshape(a, (-1, 2, 2, 2, 2, 4)), (0, 1, 3, 2, 4, 5))
    x = layers.Dense(4, name="d")(ops.reshape(x, (-1, 4, 4)))
    x = ops.transpose(ops.reshape(x, (-1, 2, 2, 2, 2, 4)), (0, 1, 3, 2, 4, 5))
    y = layers.Conv2D(2, 1, name="head")(ops.reshape(x, (-1, 4, 4, 4)) + a)
    return Toy(keras.Model(image, y), {"a": "abcd", "d": "abcd", "head": ".."})


@toy
def moments() -> Toy:
    """Image -> a(3) less its mean, by its deviation; b(3), those over its channels -> head(2)."""
    image = keras.Input((4, 4, 3))
    a, b = layers.Conv2D(3, 1, name="a")(image), layers.Conv2D(3, 1, name="b")(image)
    b = ops.tanh(ops.tanh(b))  # deeper than a: moments over channels become several operations
    mean, variance = ops.moments(a, axes=[1, 2], keepdims=True)
    x = (a - mean) / ops.sqrt(variance + 0.1)
    mean, variance = ops.moments(b, axes=-1, keepdims=True)
    y = layers.Conv2D(2, 1, name="head")(ops.concatenate([x, b - mean + variance], axis=-1))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "def", "head": ".."})


@toy
def matrix_products() -> Toy:
    """Series -> a(3), b(3) -> a b^T (5, 5), which reads both -> einsum with c(4) -> head(2)."""
    series = keras.Input((5, 3))
    a, b, c = (layers.Dense(n, name=name)(series) for n, name in zip((3, 3, 4), "abc", strict=True))
    scores = ops.matmul(a, ops.transpose(b, (0, 2, 1)))
    y = layers.Dense(2, name="head")(ops.einsum("bqk,bkc->bqc", scores, c))
    units = {"a": "abc", "b": "abc", "c": "defg", "head": ".."}
    return Toy(keras.Model(series, y), units)
