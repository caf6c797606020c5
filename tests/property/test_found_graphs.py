"""Graphs on which the surgery was wrong once, found by the random ones and cut down by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.abilities import require_keras
from tests.oracle import masked_outputs
from tfprune.surgery.verification import random_inputs


def require_depth_to_space():
    require_keras("3.14", "depth_to_space")


def small_model(height, width, channels, middle):
    image = keras.Input((height, width, 3), name="image")
    x = layers.Dense(channels, name="made")(image)
    return keras.Model(image, layers.Dense(3, name="classes")(middle(x)))


def assert_exact(model, keep):
    graph = tfprune.analyse(model)
    inputs = random_inputs(model, seed=0)
    received = tfprune.rebuild(graph, keep)(inputs)
    (wanted,) = masked_outputs(model, keep, inputs)
    np.testing.assert_allclose(received, wanted, atol=1e-5 * np.abs(wanted).max())


def test_depth_to_space_loses_no_part_of_a_block():
    require_depth_to_space()
    model = small_model(2, 3, 4, lambda x: layers.Flatten()(ops.depth_to_space(x, 2)))
    assert len(set(tfprune.analyse(model).units_of("made").tolist())) == 1


@pytest.mark.parametrize("size", [None, 6])
@pytest.mark.parametrize("block", [2, 3])
def test_depth_to_space_loses_whole_blocks(size, block):
    require_depth_to_space()
    model = small_model(size, size, 2 * block**2, lambda x: ops.depth_to_space(x, block))
    graph = tfprune.analyse(model)
    # Channel (row * block + column) * 2 + c of a block belongs to channel c of the output.
    assert (graph.units_of("made").reshape(-1, 2) == graph.units_of("made")[:2]).all()
    assert_exact(model, {"made": np.tile([True, False], block**2)})


@pytest.mark.parametrize("size", [None, 6])
def test_space_to_depth_by_a_block_that_divides_no_power_of_two(size):
    require_depth_to_space()
    model = small_model(size, size, 4, lambda x: ops.space_to_depth(x, 3))
    keep = {"made": np.array([True, False, False, True])}
    if size is None:
        small = tfprune.rebuild(tfprune.analyse(model), keep)
        assert small.get_layer("classes").kernel.shape == (18, 3)
    else:
        assert_exact(model, keep)


@pytest.mark.parametrize(
    "pick",
    [
        lambda x: ops.take(ops.repeat(x, 2, axis=-1), [1, 0, 1], axis=-1),
        lambda x: ops.repeat(x, 4, axis=-1)[..., :3],
    ],
    ids=["take", "slice"],
)
def test_one_channel_picked_several_times(pick):
    model = small_model(2, 2, 4, pick)
    assert_exact(model, {"made": np.array([True, False, True, False])})


@pytest.mark.parametrize("units", [3, 1])
def test_a_line_over_time_makes_no_channels_of_the_steps(units):
    steps = keras.Input((4, 3))
    x = layers.TimeDistributed(layers.Dense(units), name="first")(steps)
    line = np.linspace(-1, 1, 4, dtype="float32").reshape(4, 1)
    x = x + ops.multiply(line, ops.ones_like(x[0, :1]))
    x = layers.TimeDistributed(layers.Dense(5), name="second")(x)
    graph = tfprune.analyse(keras.Model(steps, layers.Dense(2, name="classes")(x)))
    assert graph.channels("second") == 5
    assert graph.free("second").all()
