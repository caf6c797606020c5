"""Steps on sequences [batch, time, channels]; a step that does not fit returns `x`."""

from typing import Any

from keras import layers, ops

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


def conv(g: Growth, x: Any) -> Any:
    kind = g.one_of(layers.Conv1D, layers.SeparableConv1D, layers.DepthwiseConv1D,
                    layers.Conv1DTranspose)  # fmt: skip
    name = g.name(kind.__name__.lower())
    if kind is layers.DepthwiseConv1D:
        return kind(3, padding="same", depth_multiplier=g.one_of(1, 2), name=name)(x)
    return kind(g.size(), 3, padding="same", name=name)(x)


def norm(g: Growth, x: Any) -> Any:
    kind = g.one_of(layers.BatchNormalization, layers.LayerNormalization, layers.RMSNormalization)
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


def last(g: Growth, x: Any) -> Any:
    y = layers.GRU(g.size(), unroll=True, name=g.name("last"))(x)
    return layers.RepeatVector(x.shape[1], name=g.name("repeat"))(y)


STEPS = (
    dense, recurrent, conv, attention, merge, concatenate, norm, each, gate, turn, last, einsum,
)  # fmt: skip
