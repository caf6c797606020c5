"""Sequences: tables, recurrent layers, attention."""

from typing import Any

import keras
from keras import layers, ops

import tfprune
from tests.abilities import has_keras, require_keras
from tests.toy_models._toy import Toy, toy
from tfprune.graph.channels import Channels


@toy
def dense_on_sequences() -> Toy:
    """Words -> table e(4) -> d(3) at every step -> mean over steps -> head(2)."""
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, name="e")(words)
    x = layers.Dense(3, activation="relu", name="d")(x)
    y = layers.Dense(2, name="head")(layers.GlobalAveragePooling1D(name="mean")(x))
    return Toy(keras.Model(words, y), {"e": "abcd", "d": "efg", "head": ".."})


@toy
def recurrent() -> Toy:
    """Series -> gru(3) -> lstm(4) -> rnn(3) -> head(2)."""
    series = keras.Input((4, 3))
    x = layers.GRU(3, return_sequences=True, name="gru")(series)
    x = layers.LSTM(4, return_sequences=True, name="lstm")(x)
    x = layers.SimpleRNN(3, name="rnn")(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(series, y), {"gru": "abc", "lstm": "defg", "rnn": "hij", "head": ".."})


@toy
def masked_sequence() -> Toy:
    """Words, 0 = none -> table e(4) -> both(3 + 3) -> lstm(3) -> head(2); a mask goes along."""
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True, name="e")(words)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both")(x)
    x = layers.LSTM(3, name="lstm")(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(words, y), {"e": "abcd", "both": "efg", "lstm": "hij", "head": ".."})


@toy
def encoder_decoder() -> Toy:
    """Series -> encoder(3) -> states ------------.
       Words  -> table e(4) ----------------> decoder(3) -> head(2)
    """  # fmt: skip
    series, words = keras.Input((4, 2)), keras.Input((5,), dtype="int32")
    _, h, c = layers.LSTM(3, return_state=True, name="encoder")(series)
    e = layers.Embedding(7, 4, mask_zero=True, name="e")(words)
    x = layers.LSTM(3, return_sequences=True, name="decoder")(e, initial_state=[h, c])
    y = layers.Dense(2, name="head")(x)
    return Toy(
        keras.Model([series, words], y),
        {"encoder": "abc", "e": "defg", "decoder": "abc", "head": ".."},
    )


@toy
def bidirectional() -> Toy:
    """Series -> both(3 + 3, concatenated) -> summed(4) -> head(2)."""
    series = keras.Input((4, 3))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both")(series)
    x = layers.Bidirectional(layers.SimpleRNN(4), merge_mode="sum", name="summed")(x)
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(series, y), {"both": "abc", "summed": "defg", "head": ".."})


@toy
def bidirectional_apart() -> Toy:
    """Series -> both(3, forward | backward) -> each its own Dense, f(2) and b(2) -> + -> head."""
    series = keras.Input((4, 3))
    f, b = layers.Bidirectional(layers.GRU(3), merge_mode=None, name="both")(series)
    x = layers.Dense(2, name="f")(f) + layers.Dense(2, name="b")(b)
    y = layers.Dense(2, name="head")(x)
    units = {"both": "abc", "f": "de", "b": "de", "head": ".."}
    return Toy(keras.Model(series, y), units)


@toy
def stateful() -> Toy:
    """Series -> stateful rnn(3), left whole -> d(4) -> head(2)."""
    series = keras.Input(batch_shape=(4, 4, 3))
    x = layers.GRU(3, stateful=True, name="rnn")(series)
    y = layers.Dense(2, name="head")(layers.Dense(4, name="d")(x))
    return Toy(keras.Model(series, y), {"d": "abcd", "head": ".."})


@toy
def conv_lstm() -> Toy:
    """Film -> a(3) at every frame -> ConvLSTM c(4), every frame -> d(3), the last -> head(2)."""
    film = keras.Input((3, 4, 4, 2))
    x = layers.TimeDistributed(layers.Conv2D(3, 1), name="a")(film)
    x = layers.ConvLSTM2D(4, 2, strides=2, return_sequences=True, name="c")(x)
    x = layers.ConvLSTM2D(3, 2, padding="same", use_bias=False, name="d")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(film, y), {"a": "abc", "c": "defg", "d": "hij", "head": ".."})


@toy
def cells() -> Toy:
    """Series -> LSTM a(3) under GRU b(4) -> SimpleRNN c(3), whose state is added -> head(2)."""
    series = keras.Input((4, 3))
    stack = [layers.LSTMCell(3), layers.GRUCell(4)]
    x = layers.RNN(stack, return_sequences=True, name="b")(series)
    y, state = layers.RNN(layers.SimpleRNNCell(3), return_state=True, name="c")(x)
    y = layers.Dense(2, name="head")(y + 2 * state)
    units = {"b/cell_0": "abc", "b": "defg", "c": "hij", "head": ".."}
    return Toy(keras.Model(series, y), units)


@toy
def cells_of_ones_own() -> Toy:
    """Series -> d(4) -> RNN of a cell that nobody knows, left whole -> head(2)."""
    series = keras.Input((4, 3))
    x = layers.RNN(Decay(4), name="rnn")(layers.Dense(4, name="d")(series))
    y = layers.Dense(2, name="head")(x)
    return Toy(
        keras.Model(series, y),
        {"d": "....", "head": ".."},
        {"d": "steps by Decay, a cell of which no rule is known"},
    )


@toy
def both_ways_by_cells() -> Toy:
    """Series -> LSTM a(3) under GRU b(4), both ways -> Dense d(3) -> head(2)."""
    series = keras.Input((4, 3))
    stack = layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(4)])
    x = layers.Bidirectional(layers.RNN(stack, return_sequences=True), name="b")(series)
    y = layers.Dense(2, name="head")(layers.Dense(3, name="d")(x))
    return Toy(keras.Model(series, y), {"b/cell_0": "abc", "b": "defg", "d": "hij", "head": ".."})


@toy
def film_both_ways() -> Toy:
    """Film -> ConvLSTM c(3) both ways, its states too -> a(4), which both start from -> head(2)."""
    film = keras.Input((3, 4, 4, 2))
    way = layers.ConvLSTM2D(3, 2, padding="same", return_sequences=True, return_state=True)
    x, h, c, h2, c2 = layers.Bidirectional(way, name="c")(film)
    film_of = layers.ConvLSTM2D(3, 2, padding="same", name="a")
    x = film_of(x, initial_state=[h + h2, c + c2])
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(film, y), {"c": "abc", "a": "abc", "head": ".."})


@toy
def cells_given_states() -> Toy:
    """Series -> LSTM cell a(3) -> its two states start the cells of b(3) -> head(2)."""
    series = keras.Input((4, 3))
    x, h, c = layers.RNN(layers.LSTMCell(3), return_state=True, name="a")(series)
    d = layers.Dense(5, name="d")(layers.RepeatVector(2)(x))
    x = layers.RNN(layers.LSTMCell(3), name="b")(d, initial_state=[h, c])
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model(series, y), {"a": "abc", "b": "abc", "d": "defgh", "head": ".."})


@toy
def a_cell_with_a_rule() -> Toy:
    """Series -> RNN of cell r(4), which reads its own state -> d(3) -> head(2)."""
    series = keras.Input((4, 3))
    x = layers.RNN(TaughtCell(4), name="r", return_sequences=True)(
        layers.Dense(5, name="e")(series)
    )
    y = layers.Dense(2, name="head")(layers.Dense(3, name="d")(x))
    return Toy(keras.Model(series, y), {"e": "klmno", "r": "abcd", "d": "hij", "head": ".."})


@keras.saving.register_keras_serializable("toys")
class TaughtCell(layers.Layer):
    """A cell of one's own that `@tfprune.rule` describes."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape: Any) -> None:
        """Make the kernels."""
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], self.units))
        size = self.units, self.units
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=size)

    def call(self, x: Any, states: Any) -> Any:
        """Return the new state."""
        read = ops.matmul(x, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return ops.tanh(read), [ops.tanh(read)]

    def get_config(self) -> dict:
        """Return the arguments."""
        return {**super().get_config(), "units": self.units}


@tfprune.rule(TaughtCell)
def taught_cell(call: Any) -> list[Channels]:
    """Say of one step what is read and made: the state before is the second input."""
    x, state = call.inputs
    out = call.produce(call.op.units)
    call.label("kernel", reads={0: call.channels(x)}, carries={1: out}, times=1)
    call.label("recurrent_kernel", reads={0: call.channels(state)}, carries={1: out}, times=1)
    call.resize(units=out)
    return [call.output(out), call.output(out, index=1)]


@keras.saving.register_keras_serializable("toys")
class Decay(layers.Layer):
    """A cell that adds what comes to half of what was."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def call(self, x: Any, states: Any) -> Any:
        """Return the new sum."""
        total = x + states[0] / 2
        return total, [total]

    def get_config(self) -> dict:
        """Return the arguments."""
        return {**super().get_config(), "units": self.units}


@toy
def masks_of_two_tables() -> Toy:
    """Words, 0 = none -> tables e(4), f(3) side by side, a step counts if one has it -> lstm(3)."""
    words, others = (keras.Input((5,), dtype="int32", name=name) for name in ("words", "others"))
    e = layers.Embedding(7, 4, mask_zero=True, name="e")(words)
    f = layers.Embedding(7, 3, mask_zero=True, name="f")(others)
    x = layers.LSTM(3, name="lstm")(layers.Concatenate(name="both")([e, f]))
    y = layers.Dense(2, name="head")(x)
    units = {"e": "abcd", "f": "hij", "lstm": "efg", "head": ".."}
    return Toy(keras.Model([words, others], y), units)


@toy
def two_towers() -> Toy:
    """Vector -> a(6), b(6) -> cosine of the angle between them; c(4) . d(4) -> head(2)."""
    vector = keras.Input((5,))
    a, b = (layers.Dense(6, name=name)(vector) for name in "ab")
    c, d = (layers.Dense(4, name=name)(vector) for name in "cd")
    cosine = layers.Dot(1, normalize=True, name="cosine")([a, b])
    x = layers.Concatenate(name="cat")([cosine, layers.Dot(1, name="dot")([c, d])])
    y = layers.Dense(2, name="head")(x)
    units = {"a": "abcdef", "b": "abcdef", "c": "ghij", "d": "ghij", "head": ".."}
    return Toy(keras.Model(vector, y), units)


@toy
def largest_steps() -> Toy:
    """Series -> d(4), each channel's two largest steps -> flat -> head(2)."""
    series = keras.Input((5, 3))
    x = layers.Permute((2, 1), name="turn")(layers.Dense(4, name="d")(series))
    y = layers.Dense(2, name="head")(layers.Flatten(name="flat")(ops.top_k(x, 2)[0]))
    return Toy(keras.Model(series, y), {"d": "abcd", "head": ".."})


@toy
def time_distributed() -> Toy:
    """Film -> a(4) at every frame -> BN -> flatten every frame -> d(3) -> mean -> head(2)."""
    film = keras.Input((3, 4, 4, 2))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"), name="a")(film)
    x = layers.TimeDistributed(layers.BatchNormalization(), name="bn")(x)
    x = layers.TimeDistributed(layers.Flatten(), name="flatten")(x)
    x = layers.TimeDistributed(layers.Dense(3), name="d")(x)
    y = layers.Dense(2, name="head")(layers.GlobalMaxPooling1D(name="max")(x))
    return Toy(keras.Model(film, y), {"a": "abcd", "d": "efg", "head": ".."})


@toy
def masked_time_distributed() -> Toy:
    """Words, 0 = none -> table e(4) -> d(3) at every step -> mean of the words -> head(2)."""
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True, name="e")(words)
    x = layers.TimeDistributed(layers.Dense(3), name="d")(x)
    y = layers.Dense(2, name="head")(layers.GlobalAveragePooling1D(name="mean")(x))
    return Toy(keras.Model(words, y), {"e": "abcd", "d": "efg", "head": ".."})


@toy
def self_attention() -> Toy:
    """Series -> d(4) -+-> 2 heads, out(4) -> + -> head(2)."""
    series = keras.Input((5, 3))
    x = layers.Dense(4, name="d")(series)
    x = x + layers.MultiHeadAttention(2, 3, name="out")(x, x)
    y = layers.Dense(2, name="head")(x)
    inside = {"out/heads": "ef", "out/key_dim": "ghi", "out/value_dim": "jkl"}
    return Toy(keras.Model(series, y), {"d": "abcd", **inside, "out": "abcd", "head": ".."})


@toy
def cross_attention() -> Toy:
    """Query q(4), value v(3), key k(5) -> 2 heads, out(6) -> head(2); causal, gated."""
    require_keras("3.14", "gated attention")
    series, memory = keras.Input((5, 3)), keras.Input((5, 2))
    q = layers.Dense(4, name="q")(series)
    v, k = layers.Dense(3, name="v")(memory), layers.Dense(5, name="k")(memory)
    attention = layers.MultiHeadAttention(2, 3, output_shape=6, use_gate=True, name="out")
    x = attention(query=q, value=v, key=k, use_causal_mask=True)
    y = layers.Dense(2, name="head")(x)
    return Toy(
        keras.Model([series, memory], y),
        {
            "q": "abcd",
            "v": "efg",
            "k": "hijkl",
            "out/heads": "st",
            "out/key_dim": "uvw",
            "out/value_dim": "xyz",
            "out": "mnopqr",
            "head": "..",
        },
    )


@toy
def masked_attention() -> Toy:
    """Words, 0 = none -> e(4) -> attention with the words' mask and a given one, out(4) -> head."""
    words = keras.Input((5,), dtype="int32")
    seen = keras.Input((5, 5), dtype="bool")
    x = layers.Embedding(7, 4, mask_zero=True, name="e")(words)
    x = layers.MultiHeadAttention(2, 2, name="out")(x, x, attention_mask=seen)
    y = layers.Dense(2, name="head")(x)
    inside = {"out/heads": "ij", "out/key_dim": "kl", "out/value_dim": "mn"}
    units = {"e": "abcd", **inside, "out": "efgh", "head": ".."}
    return Toy(keras.Model([words, seen], y), units)


@toy
def attention_axes() -> Toy:
    """Image -> a(4) -> attention over rows and columns, out(4) -> head(2)."""
    image = keras.Input((3, 3, 2))
    x = layers.Conv2D(4, 1, name="a")(image)
    x = layers.MultiHeadAttention(2, 2, attention_axes=(1, 2), name="out")(x, x)
    y = layers.Conv2D(2, 1, name="head")(x)
    inside = {"out/heads": "ij", "out/key_dim": "kl", "out/value_dim": "mn"}
    units = {"a": "abcd", **inside, "out": "efgh", "head": ".."}
    return Toy(keras.Model(image, y), units)


@toy
def attention_scores() -> Toy:
    """Series -> d(4) -> out(4), whose scores are an output -> head(2)."""
    series = keras.Input((5, 3))
    x = layers.Dense(4, name="d")(series)
    x, shown = layers.MultiHeadAttention(2, 3, name="out")(x, x, return_attention_scores=True)
    inside = {"out/heads": "..", "out/key_dim": "ijk", "out/value_dim": "lmn"}
    units = {"d": "abcd", **inside, "out": "efgh", "head": ".."}
    return Toy(keras.Model(series, [layers.Dense(2, name="head")(x), shown]), units)


def grouped_scores() -> Toy:
    """Series -> d(4) -> more(4), whose scores are read by t(3) -> of_heads(2); head(2)."""
    series = keras.Input((5, 3))
    x = layers.Dense(4, name="d")(series)
    more = layers.GroupQueryAttention(3, 4, 2, name="more")
    x, scores = more(x, x, return_attention_scores=True)
    t = layers.Dense(3, name="t")(layers.Permute((2, 3, 1), name="turn")(scores))
    ends = [layers.Dense(2, name="head")(x), layers.Dense(2, name="of_heads")(t)]
    units = {"d": "abcd", "more/heads": "ij", "more/head_dim": "opq", "more": "abcd", "t": "klm",
             "head": "..", "of_heads": ".."}  # fmt: skip
    return Toy(keras.Model(series, ends), units)


if has_keras("3.15"):  # before it a functional model had no such scores
    toy(grouped_scores)


@toy
def other_attentions() -> Toy:
    """Series -> d(4) -> 4 heads in 2 groups; f(3) -> Attention; g(3), h(3) -> Dot."""
    series = keras.Input((5, 3))
    d, f = layers.Dense(4, name="d")(series), layers.Dense(3, name="f")(series)
    g, h = layers.Dense(3, name="g")(series), layers.Dense(3, name="h")(series)
    x = layers.GroupQueryAttention(2, 4, 2, name="grouped")(d, d)
    z = layers.Attention(name="attention")([f, f])
    w = layers.Dot(-1, name="dot")([g, h])
    y = layers.Dense(2, name="head")(layers.Concatenate(name="cat")([x, z, w]))
    return Toy(
        keras.Model(series, y),
        {
            "d": "defg",
            "f": "klm",
            "g": "abc",
            "h": "abc",
            "grouped/heads": "hi",
            "grouped/head_dim": "pq",
            "grouped": "defg",
            "head": "..",
        },
    )


@toy
def einsum_dense() -> Toy:
    """Series -> e(4) -> f(2, 3) -> back to g(4) -> head(2); f makes 2 heads of 3."""
    series = keras.Input((5, 3))
    x = layers.EinsumDense("btc,cd->btd", (5, 4), bias_axes="d", name="e")(series)
    x = layers.EinsumDense("...c,chd->...hd", (2, 3), bias_axes="hd", name="f")(x)
    x = layers.EinsumDense("abhd,hdc->abc", (None, 4), activation="relu", name="g")(x)
    y = layers.Dense(2, name="head")(x)
    units = {"e": "abcd", "f": "ef", "f/size": "klm", "g": "ghij", "head": ".."}
    return Toy(keras.Model(series, y), units)


@toy
def repeated_vector() -> Toy:
    """Vector -> a(4) -> 3 copies in time -> gru(3) -> head(2)."""
    vector = keras.Input((5,))
    x = layers.RepeatVector(3, name="repeat")(layers.Dense(4, name="a")(vector))
    y = layers.Dense(2, name="head")(layers.GRU(3, name="gru")(x))
    return Toy(keras.Model(vector, y), {"a": "abcd", "gru": "efg", "head": ".."})


@toy
def masking() -> Toy:
    """Series -> d(3) -> Masking compares all features of a step -> lstm(3) -> head(2)."""
    series = keras.Input((5, 3))
    x = layers.Masking(name="mask")(layers.Dense(3, name="d")(series))
    y = layers.Dense(2, name="head")(layers.LSTM(3, name="lstm")(x))
    return Toy(
        keras.Model(series, y), {"d": "...", "lstm": "abc", "head": ".."}, {"d": "all features"}
    )


@toy
def mixer() -> Toy:
    """Series -> d(4) -> channels in time's place -> t(5) reads the steps -> back -> head(2)."""
    series = keras.Input((5, 3))
    x = layers.Permute((2, 1), name="turn")(layers.Dense(4, name="d")(series))
    x = layers.Permute((2, 1), name="back")(layers.Dense(6, name="t")(x))
    y = layers.Dense(2, name="head")(x)
    return Toy(
        keras.Model(series, y), {"d": "....", "t": "......", "head": ".."}, {"d": "another axis"}
    )


def written_attention(x: keras.KerasTensor, heads: int) -> keras.KerasTensor:
    """Return [B, 5, 8] and attention by EinsumDense, of so many heads of 4, added up."""
    q, k, v = (layers.EinsumDense("abc,cde->abde", (5, heads, 4), bias_axes="de", name=name)(x)
               for name in ("query", "key", "value"))  # fmt: skip
    scores = ops.softmax(ops.einsum("aecd,abcd->acbe", k, q))
    y = ops.reshape(ops.einsum("acbe,aecd->abcd", scores, v), (-1, 5, 4 * heads))
    return x + layers.Dense(8, name="joined")(y)
