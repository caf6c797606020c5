"""Models within models, layers used twice, several inputs and outputs, shortcuts."""

import keras
from keras import layers, ops

from tests.toy_models._toy import Toy, toy


@toy
def sequential() -> Toy:
    """Sequential: a(4) -> BN -> b(3) -> GAP -> head(2)."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2D(4, 1, name="a"),
            layers.BatchNormalization(name="bn"),
            layers.Conv2D(3, 1, name="b"),
            layers.GlobalAveragePooling2D(name="gap"),
            layers.Dense(2, name="head"),
        ]
    )
    return Toy(model, {"a": "abcd", "b": "efg", "head": ".."})


@toy
def nested() -> Toy:
    """Image -> stem [a(4) -> b(4), + a] -> tail [BN -> c(3)], a Sequential -> head(2)."""
    inside = keras.Input((4, 4, 3))
    a = layers.Conv2D(4, 1, name="a")(inside)
    b = layers.Conv2D(4, 1, name="b")(a)
    stem = keras.Model(inside, a + b * 2.0, name="stem")
    tail = keras.Sequential(
        [layers.BatchNormalization(name="bn"), layers.Conv2D(3, 1, name="c")], name="tail"
    )
    image = keras.Input((4, 4, 3))
    y = layers.Conv2D(2, 1, name="head")(tail(stem(image)))
    units = {"stem/a": "abcd", "stem/b": "abcd", "tail/c": "efg", "head": ".."}
    return Toy(keras.Model(image, y), units)


@toy
def sequential_in_sequential() -> Toy:
    """Image -> body [a(4) -> tail [BN -> b(3)]] -> GAP -> head(2)."""
    tail = [layers.BatchNormalization(name="bn"), layers.Conv2D(3, 1, name="b")]
    body = [layers.Conv2D(4, 1, name="a"), keras.Sequential(tail, name="tail")]
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.Sequential(body, name="body"),
            layers.GlobalAveragePooling2D(name="gap"),
            layers.Dense(2, name="head"),
        ]
    )
    return Toy(model, {"body/a": "abcd", "body/tail/b": "efg", "head": ".."})


@toy
def nested_with_a_mask() -> Toy:
    """Words, 0 = none -> table e(4) -> block [lstm(3) -> d(4)], told which words count -> head."""
    inner = [layers.LSTM(3, name="lstm"), layers.Dense(4, name="d")]
    block = keras.Sequential(inner, name="block")
    words = keras.Input((5,), dtype="int32")
    x = block(layers.Embedding(7, 4, mask_zero=True, name="e")(words))
    y = layers.Dense(2, name="head")(x)
    units = {"e": "abcd", "block/lstm": "efg", "block/d": "hijk", "head": ".."}
    return Toy(keras.Model(words, y), units)


@toy
def nested_twice() -> Toy:
    """Image -> a(4) -> block -> b(4) -> block -> head(2); block = [c(3) -> reshape -> d(4)]."""
    inside = keras.Input((4, 4, 4))
    c = layers.Conv2D(3, 1, name="c")(inside)
    c = layers.Reshape((4, 4, 3), name="grid")(layers.Reshape((16, 3), name="line")(c)[:, ::-1])
    block = keras.Model(inside, layers.Conv2D(4, 1, name="d")(c), name="block")
    image = keras.Input((4, 4, 3))
    x = block(layers.Conv2D(4, 1, name="a")(image))
    x = block(layers.Conv2D(4, 1, name="b")(x))
    y = layers.Conv2D(2, 1, name="head")(x)
    units = {"a": "abcd", "b": "abcd", "block/c": "efg", "block/d": "hijk", "head": ".."}
    return Toy(keras.Model(image, y), units)


@toy
def nested_without_weights_twice() -> Toy:
    """Image -> a(4), b(4) -> the same [split, gate] each -> c(2), d(2), added -> head(2).

    What is cut within the inner model is cut the same way at both calls.
    """
    inside = keras.Input((4, 4, 4))
    halves = ops.split(inside, [2], axis=-1)
    gate = keras.Model(inside, halves[0] * ops.sigmoid(halves[1]), name="gate")
    image = keras.Input((4, 4, 3))
    a, b = (gate(layers.Conv2D(4, 1, name=name)(image)) for name in "ab")
    x = layers.Conv2D(2, 1, name="c")(a) + layers.Conv2D(2, 1, name="d")(b)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(
        keras.Model(image, y), {"a": "abab", "b": "abab", "c": "cd", "d": "cd", "head": ".."}
    )


@toy
def layer_twice() -> Toy:
    """Image -> a(4) -> twice(4) -> twice(4) -> head(2): what twice makes, it also reads."""
    image = keras.Input((4, 4, 3))
    twice = layers.Conv2D(4, 1, activation="tanh", name="twice")
    x = twice(twice(layers.Conv2D(4, 1, name="a")(image)))
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "abcd", "twice": "abcd", "head": ".."})


@toy
def reshape_twice() -> Toy:
    """Vector -> a(4), b(4) -> the same reshape to [2, 2] -> d(3) of each, added -> head(2).

    One target size serves both calls, so both lose the same columns.
    """
    vector = keras.Input((5,))
    table = layers.Reshape((2, 2), name="table")
    a, b = (table(layers.Dense(4, name=name)(vector)) for name in "ab")
    x = layers.Dense(3, name="c")(a) + layers.Dense(3, name="d")(b)
    y = layers.Dense(2, name="head")(x)
    units = {"a": "abab", "b": "abab", "c": "cde", "d": "cde", "head": ".."}
    return Toy(keras.Model(vector, y), units)


@toy
def siamese() -> Toy:
    """Two images -> one a(4) -> one GAP -> |difference| -> d(3) -> head(2)."""
    first, second = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    a, gap = layers.Conv2D(4, 1, name="a"), layers.GlobalAveragePooling2D(name="gap")
    x = ops.abs(gap(a(first)) - gap(a(second)))
    y = layers.Dense(2, name="head")(layers.Dense(3, name="d")(x))
    return Toy(keras.Model([first, second], y), {"a": "abcd", "d": "efg", "head": ".."})


@toy
def several_inputs_and_outputs() -> Toy:
    """Image -> a(4) -+-> head(2)          (output)
                      +-> [a v] -> d(3) -+-> score(1)  (output)
       Vector -> v(2) ----^              +-> d itself  (output)
    """  # fmt: skip
    image, vector = keras.Input((4, 4, 3), name="image"), keras.Input((2,), name="vector")
    a = layers.Conv2D(4, 1, name="a")(image)
    v = layers.Dense(2, name="v")(vector)
    cat = layers.Concatenate(name="cat")([layers.GlobalMaxPooling2D(name="max")(a), v])
    d = layers.Dense(3, name="d")(cat)
    outputs = {
        "map": layers.Conv2D(2, 1, name="head")(a),
        "score": layers.Dense(1, name="score")(d),
        "features": d,
    }
    return Toy(
        keras.Model({"image": image, "vector": vector}, outputs),
        {"a": "abcd", "v": "ef", "d": "...", "head": "..", "score": "."},
        {"d": "output of the model"},
    )


@toy
def side_inputs() -> Toy:
    """Words -> table e(4); bool mask -> where(mask, e, 0); int weight -> cast -> * -> head(2)."""
    words = keras.Input((5,), dtype="int32")
    seen, weight = keras.Input((5, 1), dtype="bool"), keras.Input((5, 1), dtype="int32")
    x = ops.where(seen, layers.Embedding(7, 4, name="e")(words), 0.0)
    x = x * ops.cast(weight + 1, "float32")
    y = layers.Dense(2, name="head")(x)
    return Toy(keras.Model([words, seen, weight], y), {"e": "abcd", "head": ".."})


@toy
def padded_shortcut() -> Toy:
    """Image -> a(3) -+-> every second place, 1 zero before and 2 after -> + -> head(2).
                      +-> b(6) -------------------------------------------^

    Both sides shrink as they like: a channel that is gone leaves a zero to its successor.
    """
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    short = ops.pad(a[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (1, 2)))
    b = layers.Conv2D(6, 2, strides=2, name="b")(a)
    y = layers.Conv2D(2, 1, name="head")(layers.ReLU(name="relu")(short + b))
    return Toy(keras.Model(image, y), {"a": "abc", "b": "defghi", "head": ".."})


@toy
def padded_with_ones() -> Toy:
    """Image -> a(3) -> 1 one before and after the channels, places too -> head(2): a stays."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    x = ops.pad(a, ((0, 0), (1, 1), (0, 0), (1, 1)), constant_values=1.0)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(image, y), {"a": "...", "head": ".."}, {"a": "other than 0"})


@toy
def cropped_shortcut() -> Toy:
    """Image -> a(6) -+-> channels 1 to 3 -> + -> head(2).
                      +-> b(3) ------------^
    """  # fmt: skip
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(6, 1, name="a")(image)
    b = layers.Conv2D(3, 1, name="b")(a)
    y = layers.Conv2D(2, 1, name="head")(layers.Add(name="add")([a[..., 1:4], b]))
    return Toy(keras.Model(image, y), {"a": "abcdef", "b": "bcd", "head": ".."})


@toy
def u_net() -> Toy:
    """Image -> a(3) -> pool -> b(4) -> up(3) -> [a up] -> c(3) -> head(2)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 3, padding="same", name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(layers.MaxPooling2D(name="pool")(a))
    up = layers.Conv2DTranspose(3, 2, strides=2, name="up")(b)
    c = layers.Conv2D(3, 1, name="c")(layers.Concatenate(name="cat")([a, up]))
    y = layers.Conv2D(2, 1, name="head")(c)
    units = {"a": "abc", "b": "defg", "up": "hij", "c": "klm", "head": ".."}
    return Toy(keras.Model(image, y), units)


@toy
def generator() -> Toy:
    """Noise -> d(12) -> BN -> reshape to [2, 2, 3] -> up(4) -> head(2)."""
    noise = keras.Input((5,))
    x = layers.BatchNormalization(name="bn")(layers.Dense(12, name="d")(noise))
    x = layers.Reshape((2, 2, 3), name="map")(x)
    x = layers.Conv2DTranspose(4, 2, strides=2, name="up")(x)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(keras.Model(noise, y), {"d": "abcabcabcabc", "up": "defg", "head": ".."})


@toy
def output_used_inside() -> Toy:
    """Image -> a(3) (output) -> b(4) -> c(3), + a -> head(2) (output)."""
    image = keras.Input((4, 4, 3))
    a = layers.Conv2D(3, 1, name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(a)
    x = a + layers.Conv2D(3, 1, name="c")(b)
    y = layers.Conv2D(2, 1, name="head")(x)
    return Toy(
        keras.Model(image, [a, y]),
        {"a": "...", "b": "abcd", "c": "...", "head": ".."},
        {"a": "output of the model", "c": "output of the model"},
    )


@toy
def dead_branch() -> Toy:
    """Image -> a(3) -> zero places of a's size + b(3) -> head(2)."""
    image = keras.Input((4, 4, 3))
    a, b = (layers.Conv2D(3, 1, name=name)(image) for name in "ab")
    y = layers.Conv2D(2, 1, name="head")(ops.zeros_like(a) + b)
    return Toy(keras.Model(image, y), {"a": "abc", "b": "abc", "head": ".."})
