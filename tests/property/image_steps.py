"""Steps on feature maps [batch, height, width, channels]; a step that does not fit returns `x`."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tests.abilities import has_keras
from tests.graph.opening import nets
from tests.property import composites
from tests.property.growing import Growth

_ACTIVATIONS = ("relu", None, "hard_silu", "sigmoid", "gelu", "softmax")


def conv(g: Growth, x: Any) -> Any:
    kernel, stride = g.one_of(1, 3, 2), g.one_of(1, 2)
    layer = layers.Conv2D(
        g.size(), kernel, strides=stride, padding="same", use_bias=g.one_of(True, False),
        activation=g.one_of(*_ACTIVATIONS), name=g.name("conv"),
    )  # fmt: skip
    g.layers.append(layer)
    return layer(x)


def again(g: Growth, x: Any) -> Any:
    fits = [layer for layer in g.layers if layer.input.shape[1:] == x.shape[1:]]
    return g.one_of(*fits)(x) if fits else x


def grouped_conv(g: Growth, x: Any) -> Any:
    groups = g.one_of(*(n for n in (2, 3, x.shape[-1]) if x.shape[-1] % n == 0), 1)
    return layers.Conv2D(
        groups * g.one_of(1, 2), 3, padding="same", groups=groups, name=g.name("grouped")
    )(x)


def depthwise(g: Growth, x: Any) -> Any:
    return layers.DepthwiseConv2D(
        g.one_of(3, 1), padding="same", depth_multiplier=g.one_of(1, 2), name=g.name("depthwise")
    )(x)


def separable(g: Growth, x: Any) -> Any:
    return layers.SeparableConv2D(
        g.size(), 3, padding="same", depth_multiplier=g.one_of(1, 2), name=g.name("separable")
    )(x)


def transposed(g: Growth, x: Any) -> Any:
    stride = 2 if x.shape[1] <= 4 and g.one_of(True, False) else 1
    return layers.Conv2DTranspose(
        g.size(), 2, strides=stride, padding="same", name=g.name("transposed")
    )(x)


def dense(g: Growth, x: Any) -> Any:
    return layers.Dense(g.size(), activation=g.one_of(*_ACTIVATIONS), name=g.name("dense"))(x)


def norm(g: Growth, x: Any) -> Any:
    channels = x.shape[-1]
    kind = g.one_of("batch", "group", "instance", "layer", "unit", "space")
    name = g.name(kind)
    if kind == "batch":
        return layers.BatchNormalization(name=name, scale=g.one_of(True, False))(x)
    if kind in ("group", "instance"):
        groups = 2 if kind == "group" and channels % 2 == 0 else -1
        return layers.GroupNormalization(groups, name=name)(x)
    if kind == "unit":
        return layers.UnitNormalization(name=name)(x)
    return layers.LayerNormalization(axis=-1 if kind == "layer" else (1, 2), name=name)(x)


def activation(g: Growth, x: Any) -> Any:
    kind = g.one_of("relu", "prelu", "wide_prelu", "leaky", "operation", "hard_swish")
    name = g.name(kind)
    if kind == "operation":
        return ops.silu(x)
    if kind == "hard_swish":
        return x * (ops.relu6(x + 3.0) * (1.0 / 6.0))
    layer = {
        "relu": lambda: layers.ReLU(max_value=6, name=name),
        "prelu": lambda: layers.PReLU(shared_axes=[1, 2], name=name),
        "wide_prelu": lambda: layers.PReLU(name=name),
        "leaky": lambda: layers.LeakyReLU(name=name),
    }[kind]()
    return layer(x)


def space(g: Growth, x: Any) -> Any:
    kinds = ["pad", "crop", "up", "average", "max", "resize"]
    small, large = x.shape[1] < 4, x.shape[1] > 6
    kinds = [k for k in kinds if not (small and k in ("crop", "average", "max"))]
    kind = g.one_of(*(k for k in kinds if not (large and k in ("pad", "up"))))
    name = g.name(kind)
    layer = {
        "pad": lambda: layers.ZeroPadding2D(((1, 0), (0, 1)), name=name),
        "crop": lambda: layers.Cropping2D(((1, 0), (0, 1)), name=name),
        "up": lambda: layers.UpSampling2D(2, interpolation="bilinear", name=name),
        "average": lambda: layers.AveragePooling2D(2, name=name),
        "max": lambda: layers.MaxPooling2D(3, 1, padding="same", name=name),
        "resize": lambda: layers.Resizing(3, 4, name=name),
    }[kind]()
    return layer(x)


def residual(g: Growth, x: Any) -> Any:
    y = layers.Conv2D(x.shape[-1], 3, padding="same", name=g.name("branch"))(x)
    y = layers.BatchNormalization(name=g.name("branch_bn"))(y)
    return layers.Add(name=g.name("add"))([x, y]) if g.one_of(True, False) else x + y


def merge(g: Growth, x: Any) -> Any:
    y = g.alike(x, (1, 2, 3))
    kinds = ("add", "multiply", "average", "maximum", "plus", "stack", "where", "subtract")
    kind = g.one_of(*(kinds[:-1] if y is x else kinds))  # x - x would be silent
    merging = {"add": layers.Add, "multiply": layers.Multiply, "average": layers.Average,
               "maximum": layers.Maximum, "subtract": layers.Subtract}  # fmt: skip
    if kind in merging:
        return merging[kind](name=g.name(kind))([x, y])
    if kind == "stack":
        return ops.mean(ops.stack([x, y], axis=1), axis=1)
    return ops.where(x > 0, x, y) if kind == "where" else y + x


def constant(g: Growth, x: Any) -> Any:
    values = np.linspace(0.5, 1.5, x.shape[-1]).astype("float32")
    kind = g.one_of("each", "scalar", "right", "negative")
    if kind == "each":
        return x * values
    if kind == "right":
        return ops.subtract(values, x)
    return x * 0.5 + 1.0 if kind == "scalar" else -x


def concatenate(g: Growth, x: Any) -> Any:
    y = g.alike(x, (1, 2))
    if x.shape[-1] + y.shape[-1] > 12:
        return x
    return layers.Concatenate(name=g.name("concat"))([x, y])


def split(g: Growth, x: Any) -> Any:
    if x.shape[-1] % 2:
        first, second = ops.split(x, [1], axis=-1)
        g.tensors.append(first)
        return second if second.shape[-1] else x
    first, second = ops.split(x, 2, axis=-1)
    if g.one_of(True, False):
        return first * ops.sigmoid(second)
    g.tensors.append(first)
    return second


def cut(g: Growth, x: Any) -> Any:
    kind = g.one_of("first", "every_other", "rows", "roll", "flip", "take")
    if kind == "rows":
        return x[:, 1:] if x.shape[1] > 2 else x
    if kind in ("roll", "flip"):
        return ops.roll(x, 1, axis=-1) if kind == "roll" else ops.flip(x, axis=-1)
    if kind == "take":
        return ops.take(x, [1, 0, 1], axis=-1) if x.shape[-1] > 1 else x
    return x[..., : (x.shape[-1] + 1) // 2] if kind == "first" else x[..., ::2]


def shuffle(g: Growth, x: Any) -> Any:
    _, height, width, channels = x.shape
    groups = 2 if channels % 2 == 0 else channels
    if g.one_of(True, False):
        y = layers.Reshape((height, width, groups, channels // groups), name=g.name("deal"))(x)
        y = layers.Permute((1, 2, 4, 3), name=g.name("riffle"))(y)
        return layers.Reshape((height, width, channels), name=g.name("gather"))(y)
    y = ops.reshape(x, (-1, height, width, groups, channels // groups))
    return ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, height, width, channels))


_BLOCKS = ("depth_to_space", "space_to_depth") if has_keras("3.14") else ()


def move(g: Growth, x: Any) -> Any:
    kind = g.one_of(*_BLOCKS, "repeat", "tile", "transpose")
    channels = x.shape[-1]
    if kind == "transpose":
        return ops.transpose(x, (0, 2, 1, 3))
    if kind == "depth_to_space":
        return ops.depth_to_space(x, 2) if channels % 4 == 0 and x.shape[1] <= 4 else x
    if kind == "space_to_depth":
        even = x.shape[1] % 2 == 0 and x.shape[2] % 2 == 0
        return ops.space_to_depth(x, 2) if even and channels <= 3 else x
    if channels > 6:
        return x
    return ops.repeat(x, 2, axis=-1) if kind == "repeat" else ops.tile(x, (1, 1, 1, 2))


def padded_shortcut(g: Growth, x: Any) -> Any:
    before, after = g.one_of((1, 1), (0, 2), (2, 0))
    y = ops.pad(x, [[0, 0], [0, 0], [0, 0], [before, after]])
    z = layers.Conv2D(y.shape[-1], 3, padding="same", name=g.name("widened"))(x)
    return layers.Add(name=g.name("padded_add"))([y, z])


def excite(g: Growth, x: Any) -> Any:
    channels = x.shape[-1]
    keep = g.one_of(True, False)
    s = layers.GlobalAveragePooling2D(keepdims=keep, name=g.name("squeeze"))(x)
    if not keep:
        s = layers.Reshape((1, 1, channels), name=g.name("as_map"))(s)
    s = layers.Conv2D(2, 1, activation="relu", name=g.name("reduce"))(s)
    s = layers.Conv2D(channels, 1, activation="sigmoid", name=g.name("expand"))(s)
    return layers.Multiply(name=g.name("excite"))([x, s])


def statistics(g: Growth, x: Any) -> Any:
    axis = g.one_of(-1, 1, (1, 2))
    if g.one_of(True, False):
        mean, variance = ops.moments(x, axes=axis, keepdims=True)
        return (x - mean) / ops.sqrt(variance + 0.5)
    return x + getattr(ops, g.one_of("var", "mean", "max"))(x, axis=axis, keepdims=True)


def patches(g: Growth, x: Any) -> Any:
    small = x.shape[-1] <= 3 and min(x.shape[1:3]) >= 2 and not x.sparse
    return ops.image.extract_patches(x, 2, padding=g.one_of("valid", "same")) if small else x


def spectral(g: Growth, x: Any) -> Any:
    inner = g.one_of(
        layers.Conv2D(g.size(), 2, padding="same"), layers.Dense(g.size()),
        layers.DepthwiseConv2D(2, padding="same"),
    )  # fmt: skip
    return layers.SpectralNormalization(inner, name=g.name("spectral"))(x)


def unknown(g: Growth, x: Any) -> Any:
    return ops.tril(x)


def composite(g: Growth, x: Any) -> Any:
    kind = g.one_of("mlp", "affine", "gate", "block")
    if x.sparse:  # TensorFlow multiplies no sparse tensor by a weight
        return x
    name = g.name(kind)
    if kind == "mlp":
        return composites.Mlp(g.size(), g.one_of("relu", "gelu"), name=name)(x)
    if kind == "affine":
        return composites.Affine(g.size(), name=name)(x)
    if kind == "gate":
        return nets.SqueezeExcite(name=name)(x)
    return nets.Block(x.shape[-1], name=name)(x)


def nested(g: Growth, x: Any) -> Any:
    inside = keras.Input(x.shape[1:], name=g.name("inside"))
    y = layers.Conv2D(g.size(), 3, padding="same", name=g.name("deep"))(inside)
    y = layers.BatchNormalization(name=g.name("deep_bn"))(y)
    y = layers.Conv2D(x.shape[-1], 1, name=g.name("back"))(y)
    if g.one_of(True, False):
        y = inside + y
    model = keras.Model(inside, y, name=g.name("nested"))
    return model(model(x)) if g.one_of(False, True) else model(x)


STEPS = (
    conv, norm, activation, residual, merge, concatenate, depthwise, separable, transposed, dense,
    space, constant, split, cut, shuffle, move, padded_shortcut, excite, nested, again,
    grouped_conv, unknown, composite, statistics, patches, spectral,
)  # fmt: skip
