"""Convolutions of every kind, and what treats each channel's map by itself."""

import keras
from keras import layers

from tests.toy_models._toy import Toy, toy


@toy
def chain() -> Toy:
    """Image -> a(4) -> BN -> ReLU -> b(4) -> max pool -> head(2)."""
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, name="a")(image)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(x))
    x = layers.MaxPooling2D(2, 1, name="pool")(layers.Conv2D(4, 1, name="b")(x))
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(
        keras.Model(image, y),
        {"a": "abcd", "b": "efgh", "head": ".."},
        {"head": "output of the model"},
    )


@toy
def separable() -> Toy:
    """Image -> a(3) -> separable s(4), multiplier 2 -> head(2)."""
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="relu", name="s")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abc", "s": "defg", "head": ".."})


@toy
def separable_1d() -> Toy:
    """Series -> a(3) -> separable s(4) -> depthwise, multiplier 2 -> head(2)."""
    series = keras.Input((8, 3))
    x = layers.Conv1D(3, 1, name="a")(series)
    x = layers.SeparableConv1D(4, 3, name="s")(x)
    x = layers.DepthwiseConv1D(3, depth_multiplier=2, name="deep")(x)
    y = layers.Conv1D(2, 1, name="head")(x)
    return Toy(keras.Model(series, y), {"a": "abc", "s": "defg", "head": ".."})


@toy
def depthwise_multiplier() -> Toy:
    """Image -> a(3) -> depthwise, 2 maps a channel -> BN(6) -> head(2)."""
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep")(x)
    x = layers.BatchNormalization(name="bn")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abc", "head": ".."})


@toy
def grouped_one_channel_each() -> Toy:
    """Image -> a(3) -> g(6) with groups=3: each channel makes two -> head(2)."""
    image = keras.Input((5, 5, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = layers.Conv2D(6, 3, groups=3, activation="relu", name="g")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abc", "g": "aabbcc", "head": ".."})


@toy
def grouped() -> Toy:
    """Image -> a(6) -> g(4) with groups=2: the groups shrink alike -> head(2)."""
    image = keras.Input((5, 5, 3))
    x = layers.Conv2D(6, 1, name="a")(image)
    x = layers.Conv2D(4, 3, groups=2, name="g")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcabc", "g": "dede", "head": ".."})


@toy
def transposed() -> Toy:
    """Image -> a(3) -> transposed t(4) -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, name="a")(image)
    x = layers.Conv2DTranspose(4, 3, strides=2, activation="elu", name="t")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abc", "t": "defg", "head": ".."})


@toy
def one_dimension() -> Toy:
    """Series -> causal a(3) -> average pool -> transposed t(4) -> head(2)."""
    series = keras.Input((8, 3))
    x = layers.Conv1D(3, 3, padding="causal", dilation_rate=2, name="a")(series)
    x = layers.AveragePooling1D(2, name="pool")(x)
    x = layers.Conv1DTranspose(4, 2, strides=2, name="t")(x)
    y = layers.Conv1D(2, 1, name="head")(x)
    return Toy(keras.Model(series, y), {"a": "abc", "t": "defg", "head": ".."})


@toy
def three_dimensions() -> Toy:
    """Volume -> a(3) -> BN -> transposed t(4) -> global max -> head(2)."""
    volume = keras.Input((3, 3, 3, 2))
    x = layers.BatchNormalization(name="bn")(layers.Conv3D(3, 2, name="a")(volume))
    x = layers.Conv3DTranspose(4, 2, name="t")(x)
    x = layers.GlobalMaxPooling3D(name="pool")(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(volume, y), {"a": "abc", "t": "defg", "head": ".."})


@toy
def squeeze_excite() -> Toy:
    """Image -> a(4) -+----------------------------------------------- * -> head(2).
                      |                                                |
                      GAP -> reshape (1, 1, 4) -> sq(2) -> ex(4) sigmoid
    """  # fmt: skip
    image = keras.Input((5, 5, 3))
    a = layers.Conv2D(4, 1, name="a")(image)
    x = layers.Reshape((1, 1, 4), name="reshape")(layers.GlobalAveragePooling2D(name="gap")(a))
    x = layers.Conv2D(2, 1, activation="relu", name="sq")(x)
    x = layers.Conv2D(4, 1, activation="sigmoid", name="ex")(x)
    y = layers.Conv2D(2, 1, name="head")(layers.Multiply(name="scale")([a, x]))
    return Toy(
        keras.Model(image, y), {"a": "abcd", "sq": "ef", "ex": "abcd", "head": ".."}, always="e"
    )


@toy
def channels_first() -> Toy:
    """Image [3, H, W] -> a(4) -> BN on axis 1 -> b(3) -> GAP -> head(2)."""
    first = {"data_format": "channels_first"}
    image = keras.Input((3, 9, 9))  # Keras adds a bias along the wrong axis if sizes agree
    x = layers.Conv2D(4, 3, name="a", **first)(image)
    x = layers.PReLU(shared_axes=(2, 3), name="prelu")(layers.BatchNormalization(1, name="bn")(x))
    x = layers.ZeroPadding2D(1, name="pad", **first)(x)
    x = layers.Conv2D(3, 1, name="b", **first)(x)
    x = layers.GlobalAveragePooling2D(name="gap", **first)(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "efg", "head": ".."})


@toy
def channels_first_flatten() -> Toy:
    """Image [3, H, W] -> a(4) -> flatten to positions, then channels -> head(2)."""
    image = keras.Input((3, 9, 9))
    x = layers.Conv2D(4, 3, data_format="channels_first", name="a")(image)
    x = layers.Flatten(data_format="channels_first", name="flatten")(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})


@toy
def unknown_size() -> Toy:
    """Image of any size -> a(4) -> b(4) + a -> GAP -> head(2)."""
    image = keras.Input((None, None, 3))
    a = layers.Conv2D(4, 3, padding="same", name="a")(image)
    x = layers.Conv2D(4, 3, padding="same", name="b")(a)
    x = layers.GlobalAveragePooling2D(name="gap")(layers.Add(name="add")([a, x]))
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "abcd", "head": ".."})


@toy
def prelu() -> Toy:
    """Image -> a(4) -> PReLU of every place -> b(3) -> PReLU of every channel -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.PReLU(name="all")(layers.Conv2D(4, 1, name="a")(image))
    x = layers.Conv2D(3, 1, name="b")(x)
    y = layers.Conv2D(2, 1, name="head")(layers.PReLU(shared_axes=(1, 2), name="shared")(x))
    return Toy(keras.Model(image, y), {"a": "abcd", "b": "efg", "head": ".."})


@toy
def spatial_layers() -> Toy:
    """Image -> a(4) -> pad -> upsample -> crop -> resize -> dropout -> head(2)."""
    image = keras.Input((4, 4, 3))
    x = layers.ZeroPadding2D(1, name="pad")(layers.Conv2D(4, 1, name="a")(image))
    x = layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
    x = layers.Cropping2D(((1, 0), (2, 3)), name="crop")(x)
    x = layers.Resizing(6, 5, name="resize")(x)
    x = layers.SpatialDropout2D(0.2, name="dropout")(layers.CenterCrop(4, 4, name="centre")(x))
    y = layers.Conv2D(2, 1, name="head")(layers.GaussianNoise(0.1, name="noise")(x))
    return Toy(keras.Model(image, y), {"a": "abcd", "head": ".."})
