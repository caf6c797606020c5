"""What is timed as one layer: a kernel with what follows it, at any width."""

import keras
import pytest

import tfprune
from tfprune.costs.timing.blocks import blocks
from tfprune.errors import PruningError

L = keras.layers


@pytest.fixture(scope="module")
def model():
    image = keras.Input((8, 8, 3), name="image")
    x = L.Conv2D(16, 3, padding="same", name="stem")(image)
    x = L.ReLU(name="stem_relu")(L.BatchNormalization(name="stem_bn")(x))
    y = L.DepthwiseConv2D(3, padding="same", name="deep")(x)
    y = L.Conv2D(16, 1, name="point")(keras.ops.relu(y))
    x = L.Add(name="sum")([x, y])
    x = L.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, L.Dense(10, name="head")(x))


@pytest.fixture(scope="module")
def found(model):
    return blocks(tfprune.analyse(model))


def test_each_kernel_has_a_block_with_its_widths(found):
    assert {name: block.widths for name, block in found.items()} == {
        "stem": (1, 16),  # the images' channels are one, pinned
        "deep": (16,),
        "point": (16,),  # its outputs are added to its inputs: one width, not two
        "head": (16, 10),
    }
    assert found["stem"].free == (False, True)
    assert found["head"].free == (True, False)


def test_what_alone_reads_a_kernel_belongs_to_it(found):
    names = {name: [x.name for x in block.after] for name, block in found.items()}
    assert names["stem"] == ["stem_bn", "stem_relu"]
    assert names["point"] == []  # a sum reads two
    assert len(names["deep"]) == 1


@pytest.mark.parametrize(
    ("name", "sizes", "shapes"),
    [
        ("stem", (1, 5), ((None, 8, 8, 3), (None, 8, 8, 5))),
        ("stem", (1, 16), ((None, 8, 8, 3), (None, 8, 8, 16))),
        ("deep", (7,), ((None, 8, 8, 7), (None, 8, 8, 7))),
        ("point", (4,), ((None, 8, 8, 4), (None, 8, 8, 4))),
        ("head", (9, 10), ((None, 9), (None, 10))),
    ],
)
def test_a_block_is_built_at_any_width(found, model, name, sizes, shapes):
    before = [w.shape for w in model.weights]
    small = found[name].model(sizes)
    assert (tuple(small.inputs[0].shape), tuple(small.outputs[0].shape)) == shapes
    assert [w.shape for w in model.weights] == before


def test_blocks_that_are_built_alike_are_told_by_their_signature():
    image = keras.Input((8, 8, 4), name="image")
    x = image
    for name in "abc":
        x = L.Conv2D(4, 3, padding="same", strides=1 + (name == "c"), name=name)(x)
    model = keras.Model(image, L.Dense(2)(L.Flatten()(L.Conv2D(4, 3, name="last")(x))))
    own = {name: block.signature() for name, block in blocks(tfprune.analyse(model)).items()}
    assert own["b"] != own["c"]  # strides
    assert own["a"] != own["b"]  # the inputs of a are pinned
    twice = keras.Sequential([image, *(L.Conv2D(4, 3, padding="same", name=n) for n in "stuv")])
    own = {name: block.signature() for name, block in blocks(tfprune.analyse(twice)).items()}
    assert own["t"] == own["u"]


def test_flattened_maps_have_the_width_of_their_channels():
    image = keras.Input((4, 4, 3), name="image")
    x = L.Flatten(name="flat")(L.Conv2D(6, 3, name="conv")(image))
    block = blocks(tfprune.analyse(keras.Model(image, L.Dense(2, name="head")(x))))["head"]
    assert block.widths == (6, 2)
    assert block.model((3, 2)).inputs[0].shape == (None, 2 * 2 * 3)


def test_a_layer_that_is_called_twice_counts_twice():
    shared = L.Dense(4, name="shared")
    x = keras.Input((4,), name="x")
    block = blocks(tfprune.analyse(keras.Model(x, L.Dense(2)(shared(shared(x))))))["shared"]
    assert block.calls == 2
    assert block.after == ()


def test_maps_of_unknown_size_are_refused():
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, L.Conv2D(2, 3, name="conv")(image))
    with pytest.raises(PruningError, match=r"latency: layer 'conv'.*unknown size.*input_shape="):
        blocks(tfprune.analyse(model))
