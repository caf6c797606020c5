"""Steps on sequences [batch, time, channels]; a step that does not fit returns `x`."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tests.property import composites
from tests.property.growing import Growth


def dense(g: Growth, x: Any) -> Any:
    return layers.Dense(g.size(), activation=g.one_of("relu", None, "tanh"), name=g.name("dense"))(
        x
    )


def einsum(g: Growth, x: Any) -> Any:
    return layers.EinsumDense(
        "abc,cd->abd", (x.shape[1], g.size()), bias_axes="d", name=g.name("einsum")
    )(x)


def recurrent(g: Growth, x: Any) -> Any:
    kind = g.one_of(layers.SimpleRNN, layers.GRU, layers.LSTM)
    layer = kind(g.size(), return_sequences=True, unroll=True, name=g.name(kind.__name__.lower()))
    way = g.one_of("one", "concat", "sum")
    if way == "one":
        return layer(x)
    return layers.Bidirectional(layer, merge_mode=way, name=g.name("both_ways"))(x)


def each(g: Growth, x: Any) -> Any:
    return layers.TimeDistributed(
        layers.Dense(g.size(), name=g.name("inner")), name=g.name("each")
    )(x)


def attention(g: Growth, x: Any) -> Any:
    y = g.alike(x, ())
    layer = layers.MultiHeadAttention(2, 3, name=g.name("attention"))
    z = layer(x, y)
    return x + z if g.one_of(True, False) else z


def heads(g: Growth, x: Any) -> Any:
    y, count, size = g.alike(x, ()), g.one_of(2, 3), g.one_of(2, 1)

    def part(z: Any) -> Any:
        made = layers.Dense(count * size, name=g.name("part"))(z)
        return ops.reshape(made, (-1, z.shape[1], count, size))

    query, key, value = part(x), part(y), part(y)
    way = g.one_of("einsum", "matmul", "operation")
    if way == "operation":
        z = ops.dot_product_attention(query, key, value)
    elif way == "einsum":
        scores = ops.softmax(ops.einsum("bths,buhs->bhtu", query, key))
        z = ops.einsum("bhtu,buhs->bths", scores, value)
    else:
        query, key, value = (ops.transpose(p, (0, 2, 1, 3)) for p in (query, key, value))
        scores = ops.softmax(ops.matmul(query, ops.swapaxes(key, -1, -2)))
        z = ops.transpose(ops.matmul(scores, value), (0, 2, 1, 3))
    z = ops.reshape(z, (-1, x.shape[1], count * size))
    return layers.Dense(g.size(), name=g.name("joined"))(z)


def heads_apart(g: Growth, x: Any) -> Any:
    """Heads and their sizes on axes of their own; some share a key, as in grouped queries."""
    y, count, size = g.alike(x, ()), g.one_of(2, 3), g.one_of(3, 2, 1)
    shared = g.one_of(1, 2)

    def part(z: Any, heads: int, width: int) -> Any:
        return layers.EinsumDense(
            "abc,cde->abde",
            output_shape=(z.shape[1], heads, width),
            bias_axes=g.one_of("de", None),
            name=g.name("part"),
        )(z)

    query, key = part(x, count * shared, size), part(y, count, size)
    value = part(y, count, g.one_of(2, 3))
    key, value = (ops.repeat(z, shared, axis=2) for z in (key, value))
    scores = ops.softmax(ops.einsum("bths,buhs->bhtu", query * 0.5, key))
    if g.one_of(True, False):
        z = ops.einsum("bhtu,buhs->bths", scores, value)
    else:
        z = ops.transpose(ops.matmul(scores, ops.transpose(value, (0, 2, 1, 3))), (0, 2, 1, 3))
    if g.one_of(True, False):
        z = ops.reshape(z, (-1, x.shape[1], z.shape[2] * z.shape[3]))
        return layers.Dense(g.size(), name=g.name("joined"))(z)
    return layers.EinsumDense(
        "abcd,cde->abe", output_shape=(x.shape[1], g.size()), name=g.name("joined")
    )(z)


def meet(g: Growth, x: Any) -> Any:
    y, width = g.alike(x, ()), g.size()
    query = layers.Dense(width, name=g.name("query"))(x)
    key = layers.Dense(width, name=g.name("key"))(y)
    value = g.one_of(key, layers.Dense(g.size(), name=g.name("value"))(y))
    kind = g.one_of("dot", "concat", "additive")
    name = g.name(kind)
    if kind == "additive":
        layer = layers.AdditiveAttention(name=name)
    else:
        layer = layers.Attention(score_mode=kind, use_scale=g.one_of(True, False), name=name)
    z = layer([query, value, key])
    return layers.Dense(g.size(), name=g.name("met"))(z)


def product(g: Growth, x: Any) -> Any:
    y, width = g.alike(x, ()), g.size()
    left = layers.Dense(width, name=g.name("left"))(x)
    right = layers.Dense(width, name=g.name("right"))(y)
    pairs = ops.matmul(left, ops.transpose(right, (0, 2, 1)))  # [b, time, other time]
    z = ops.matmul(ops.tanh(pairs), layers.Dense(g.size(), name=g.name("summed"))(y))
    return layers.Dense(g.size(), name=g.name("after"))(z)


def constants(g: Growth, x: Any) -> Any:
    numbers = np.linspace(-1, 1, x.shape[1] * x.shape[2]).astype("float32").reshape(x.shape[1:])
    kind = g.one_of("add", "where", "maximum", "line")
    if kind == "add":
        return x + numbers
    if kind == "where":
        return ops.where(numbers[0] > 0, x, ops.tanh(x))
    if kind == "line":
        places = ops.cumsum(ops.ones_like(x[0, :1]), axis=0)
        return x + ops.multiply(numbers[:, :1], places)
    return ops.maximum(x, numbers[:, :1])


def composite(g: Growth, x: Any) -> Any:
    kind = g.one_of("mlp", "affine", "heads", "twice")
    name = g.name(kind)
    if kind == "mlp":
        return composites.Mlp(g.size(), g.one_of("relu", "gelu"), name=name)(x)
    if kind == "affine":
        return composites.Affine(g.size(), name=name)(x)
    if kind == "heads":
        return composites.Heads(g.one_of(2, 3), g.one_of(2, 1), name=name)(x)
    return composites.Twice(g.one_of(True, False), name=name)(x)


def running(g: Growth, x: Any) -> Any:
    kind = g.one_of("cumsum", "sort", "normalize")
    return getattr(ops, kind)(x, axis=g.one_of(1, 2))


def conv(g: Growth, x: Any) -> Any:
    kind = g.one_of(layers.Conv1D, layers.SeparableConv1D, layers.DepthwiseConv1D,
                    layers.Conv1DTranspose)  # fmt: skip
    name = g.name(kind.__name__.lower())
    if kind is layers.DepthwiseConv1D:
        return kind(3, padding="same", depth_multiplier=g.one_of(1, 2), name=name)(x)
    return kind(g.size(), 3, padding="same", name=name)(x)


def norm(g: Growth, x: Any) -> Any:
    kind = g.one_of(layers.BatchNormalization, layers.LayerNormalization, layers.RMSNormalization,
                    layers.UnitNormalization)  # fmt: skip
    return kind(name=g.name(kind.__name__.lower()))(x)


def merge(g: Growth, x: Any) -> Any:
    y = g.alike(x, (1, 2))
    return layers.Add(name=g.name("add"))([x, y]) if g.one_of(True, False) else x * ops.tanh(y)


def concatenate(g: Growth, x: Any) -> Any:
    y = g.alike(x, (1,))
    small = x.shape[-1] + y.shape[-1] <= 12
    return layers.Concatenate(name=g.name("concat"))([x, y]) if small else x


def gate(g: Growth, x: Any) -> Any:
    if x.shape[-1] % 2:
        return x
    first, second = ops.split(x, 2, axis=-1)
    return first * ops.sigmoid(second)


def turn(g: Growth, x: Any) -> Any:
    y = layers.Permute((2, 1), name=g.name("turn"))(x)
    y = layers.Dense(x.shape[1], name=g.name("mix_time"))(y)
    return layers.Permute((2, 1), name=g.name("turn_back"))(y)


def cells(g: Growth, x: Any) -> Any:
    kinds = [g.one_of(layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell) for _ in range(2)]
    stack = [kind(g.size()) for kind in kinds]
    name = g.name("cells")
    given = g.one_of(stack, stack[0])  # of a list of one Keras itself mistakes the states
    return layers.RNN(given, return_sequences=True, unroll=True, name=name)(x)


def steps(g: Growth, x: Any) -> Any:
    inside = keras.Input(x.shape[2:], name=g.name("inside"))
    y = layers.Dense(g.size(), activation="relu", name=g.name("deep"))(inside)
    model = keras.Model(inside, layers.Dense(g.size(), name=g.name("deeper"))(y), name=g.name("m"))
    return layers.TimeDistributed(model, name=g.name("steps"))(x)


def largest(g: Growth, x: Any) -> Any:
    y = layers.Permute((2, 1), name=g.name("turn"))(x)
    y = ops.top_k(y, x.shape[1])[0]
    return layers.Permute((2, 1), name=g.name("turn_back"))(y)


def last(g: Growth, x: Any) -> Any:
    y = layers.GRU(g.size(), unroll=True, name=g.name("last"))(x)
    return layers.RepeatVector(x.shape[1], name=g.name("repeat"))(y)


STEPS = (
    dense, recurrent, conv, attention, merge, concatenate, norm, each, gate, turn, last, einsum,
    heads, heads_apart, meet, product, constants, composite, running, cells, steps, largest,
)  # fmt: skip
