"""What single rules do that no toy's drawing shows."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.toy_models import TOYS, randomize
from tfprune.graph.keras_graph import is_graph
from tfprune.surgery.verification import random_inputs


def pruned(inputs, outputs, **keep):
    """Prune, verify and return a model and its smaller copy."""
    model = keras.Model(inputs, outputs)
    randomize(model)
    graph = tfprune.analyse(model)
    masks = {name: np.array(mask, bool) for name, mask in keep.items()}
    small = tfprune.rebuild(graph, masks)
    assert tfprune.verify(graph, masks, small).changed
    return model, small


def image_of(channels, name="a", size=4):
    image = keras.Input((size, size, 3))
    return image, layers.Conv2D(channels, 1, name=name)(image)


def operation_of(model, kind):
    return next(x for x in model.operations if type(x).__name__ == kind)


def test_a_shortcut_that_keeps_the_order_stays_a_pad():
    image, a = image_of(3)
    short = ops.pad(a, ((0, 0), (0, 0), (0, 0), (1, 2)))
    b = layers.Conv2D(6, 1, name="b")(a)
    y = layers.Conv2D(2, 1)(short + b)
    _, small = pruned(image, y, a=[1, 0, 1], b=[1, 1, 0, 1, 1, 1])
    assert operation_of(small, "Pad").pad_width[-1] == (1, 2)
    _, small = pruned(image, y, a=[1, 1, 1], b=[0, 1, 1, 1, 0, 0])
    assert operation_of(small, "Pad").pad_width[-1] == (0, 0)


def test_a_shortcut_whose_order_has_gaps_becomes_a_gather():
    image, a = image_of(3)
    short = ops.pad(a, ((0, 0), (0, 0), (0, 0), (1, 2)))
    b = layers.Conv2D(6, 1, name="b")(a)
    y = layers.Conv2D(2, 1)(short + b)
    _, small = pruned(image, y, a=[1, 0, 1], b=[1, 1, 1, 1, 1, 1])
    assert operation_of(small, "Take").axis == 3  # channel 1 left a zero between 0 and 2


@pytest.mark.parametrize(
    ("key", "mask", "slots"),
    [
        ((..., slice(0, 4)), [1, 0, 1, 1, 1, 1], slice(0, 3, 1)),
        ((..., slice(1, None, 2)), [1, 0, 1, 1, 1, 1], slice(2, 5, 2)),
    ],
)
def test_a_slice_that_can_stay_a_slice_does(key, mask, slots):
    image, a = image_of(6)
    y = layers.Conv2D(2, 1)(a[key])
    _, small = pruned(image, y, a=mask)
    node = operation_of(small, "GetItem")._inbound_nodes[0]
    assert node.arguments.args[1][-1] == slots
    assert "Take" not in [type(x).__name__ for x in small.operations]


def test_slices_of_unknown_length_beyond_the_stand_in():
    series = keras.Input((None, 3))
    a = layers.Dense(4, name="a")(series)
    y = layers.Dense(2)(layers.Concatenate(axis=1)([a[:, 20:], a[:, :-1]]))
    graph = tfprune.analyse(keras.Model(series, y))
    assert not graph.free("a").any()  # no number of places stands for all of them
    (reason,) = {graph.pinned[unit] for unit in graph.units_of("a").tolist()}
    assert "unknown size" in reason


def test_a_given_length_of_a_rearranged_axis_follows():
    image = keras.Input((4, 4, 3), batch_size=4)
    a = layers.Conv2D(6, 1, name="a")(image)
    x = ops.rearrange(a, "b h w (g c) -> b h w (c g)", g=2, c=3)
    _, small = pruned(image, layers.Conv2D(2, 1)(x), a=[1, 0, 1, 1, 0, 1])
    assert small.get_layer("a").filters == 4


def test_noise_of_a_fixed_number_of_channels_pins_them():
    image, a = image_of(4)
    x = layers.Dropout(0.5, noise_shape=(None, 1, 1, 4), name="noise")(a)
    graph = tfprune.analyse(keras.Model(image, layers.Conv2D(2, 1)(x)))
    assert not graph.free("a").any()
    assert "noise: the noise has a fixed number" in str(graph)


def test_noise_of_one_number_for_all_places_does_not():
    image, a = image_of(4)
    x = layers.Dropout(0.5, noise_shape=(None, 1, 1, None), name="noise")(a)
    _, small = pruned(image, layers.Conv2D(2, 1)(x), a=[1, 0, 1, 1])
    images = np.ones((2, 4, 4, 3), "float32")
    assert np.asarray(small(images, training=True)).shape == (2, 4, 4, 2)


def test_padding_that_mirrors_channels_pins_them():
    image, a = image_of(4)
    x = ops.pad(a, ((0, 0), (0, 0), (0, 0), (1, 1)), mode="reflect")
    graph = tfprune.analyse(keras.Model(image, layers.Conv2D(2, 1)(x)))
    assert "channels are padded in mode 'reflect'" in str(graph)


def test_a_slice_by_a_tensor_pins():
    series, start = keras.Input((4,), batch_size=4), keras.Input((), dtype="int32", batch_size=4)
    a = layers.Dense(4, name="a")(series)
    y = layers.Dense(2)(ops.take(a, start, axis=-1))
    graph = tfprune.analyse(keras.Model([series, start], y))
    assert not graph.free("a").any()
    assert "moving indices" in str(graph)


def test_a_group_norm_that_is_used_twice():
    image, a = image_of(4)
    b = layers.Conv2D(4, 1, name="b")(image)
    norm = layers.GroupNormalization(4, scale=False, center=False, name="norm")
    y = layers.Conv2D(2, 1)(layers.Concatenate()([norm(a), norm(b)]))
    graph = tfprune.analyse(keras.Model(image, y))
    np.testing.assert_array_equal(graph.units_of("a"), graph.units_of("b"))


def test_a_cut_operation_in_a_sequential_model_is_cut():
    class Tail(layers.Layer):
        def call(self, x, part=slice(1, None)):
            return x[..., part]

    @tfprune.rule(Tail)
    def tail(call):
        ids = call.channels()
        call.edit_call(lambda layer, kept: lambda x: layer(x, part=slice(int(kept[ids[0]]), None)))
        return call.output(ids[1:])

    a, head = layers.Dense(4, name="a"), layers.Dense(2, name="head")
    model = keras.Sequential([keras.Input((5,)), a, Tail(name="tail"), head])
    randomize(model)
    graph = tfprune.analyse(model)
    keep = {"a": np.array([False, True, False, True])}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).exact
    assert [layer.name for layer in small.layers if layer.name in ("a", "tail", "head")]
    x = np.ones((1, 5), "float32")
    expected = np.asarray(a(x))[:, [1, 3]] @ head.kernel.numpy()[[0, 2]] + head.bias.numpy()
    np.testing.assert_allclose(small(x), expected, rtol=1e-5)


def test_a_sequential_model_stays_one():
    toy = TOYS["nested"]()
    small = tfprune.rebuild(tfprune.analyse(toy.model), {})
    assert type(small.get_layer("tail")) is keras.Sequential
    assert all(is_graph(small.get_layer(name)) for name in ("stem", "tail"))


def test_multiplications_of_a_model_used_twice_count_twice():
    once, twice = (tfprune.analyse(TOYS[n]().model) for n in ("nested", "nested_twice"))
    assert once.owners["stem/a"].times[0] == 16
    assert twice.owners["block/c"].times[0] == 2 * 16


def test_text_keeps_its_vocabulary():
    split = layers.TextVectorization(max_tokens=6, output_sequence_length=4, name="split")
    split.adapt(["the cat sat", "the dog"])
    text = keras.Input((1,), dtype="string")
    x = layers.Embedding(6, 4, name="a")(split(text))
    model = keras.Model(text, layers.Dense(2)(x))
    randomize(model)
    graph = tfprune.analyse(model)
    keep = {"a": np.array([True, False, True, False])}
    small = tfprune.rebuild(graph, keep)
    assert small.get_layer("split").get_vocabulary() == split.get_vocabulary()
    lines = np.array([["the cat"], ["a dog sat"]])
    assert tfprune.verify(graph, keep, small, inputs=lines).exact


def test_verification_leaves_a_stateful_layer_as_it_was():
    toy = TOYS["stateful"]()
    rnn = toy.model.get_layer("rnn")
    toy.model(random_inputs(toy.model, 0))
    before = [np.asarray(state) for state in rnn.states]
    assert np.abs(before[0]).max() > 0
    graph = tfprune.analyse(toy.model)
    keep = {"d": np.array([True, False, True, True])}
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))
    np.testing.assert_array_equal(rnn.states[0], before[0])
