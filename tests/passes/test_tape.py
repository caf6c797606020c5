"""A tape is the model: making its calls gives the model's outputs."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.abilities import require_channels_first
from tests.oracle import reset_states
from tests.toy_models import TOYS
from tfprune.passes.model_calls import takes_training
from tfprune.passes.tape import record
from tfprune.surgery.verification import random_inputs


def play(tape, inputs):
    """Return the outputs, and how often each operation was called."""
    tensors = dict(zip(tape.inputs, inputs, strict=True))
    calls = {}
    for step in tape.steps:
        assert set(step.reads) <= set(step.needs) <= set(tensors)
        assert step.call == calls.get(id(step.operation), 0)
        calls[id(step.operation)] = step.call + 1
        args, kwargs = step.filled(tensors)
        made = keras.tree.flatten(step.operation(*args, **kwargs))
        tensors |= dict(zip(step.outputs, made, strict=True))
    return [np.asarray(tensors[number]) for number in tape.outputs], calls


@pytest.mark.filterwarnings("ignore:Layer 'block':UserWarning")  # it destroys a mask
@pytest.mark.parametrize("name", TOYS)
def test_the_calls_of_a_tape_give_the_models_outputs(name):
    require_channels_first(name)
    toy = TOYS[name]()
    inputs = random_inputs(toy.model, 0) if toy.inputs is None else toy.inputs
    reset_states(toy.model)
    wanted = keras.tree.flatten(toy.model(inputs, training=False))
    reset_states(toy.model)
    flat = [keras.ops.convert_to_tensor(x) for x in keras.tree.flatten(inputs)]
    received, _ = play(record(tfprune.analyse(toy.model)), flat)
    for a, b in zip(wanted, received, strict=True):
        np.testing.assert_array_equal(np.asarray(a), b)
        assert np.abs(np.asarray(b, "float64")).max() > 0


def test_calls_are_counted_and_models_within_the_model_unfolded():
    inside = keras.Input((4,))
    inner = keras.Model(inside, layers.Dense(4, name="deep")(inside), name="inner")
    image = keras.Input((4,))
    shared = layers.Dense(4, name="shared")
    model = keras.Model(image, inner(shared(inner(shared(image)))))
    tape = record(tfprune.analyse(model))
    assert [(s.operation.name, s.call, s.reads, s.outputs) for s in tape.steps] == [
        ("shared", 0, (0,), (1,)),
        ("deep", 0, (1,), (2,)),
        ("shared", 1, (2,), (3,)),
        ("deep", 1, (3,), (4,)),
    ]
    assert (tape.inputs, tape.outputs) == ((0,), (4,))


def test_calls_are_made_as_at_inference():
    """Also where a layer's own default is to train."""

    class Trains(layers.Layer):
        def call(self, x, training=True):
            return x + 100 if training else x

    image = keras.Input((4,))
    model = keras.Model(image, layers.ReLU()(Trains(name="trains")(image)))
    (first, second) = record(tfprune.analyse(model)).steps
    assert first.kwargs["training"] is False
    assert "training" not in second.kwargs
    assert takes_training(Trains)
    assert not takes_training(layers.ReLU)


def test_masks_are_needed_but_not_read():
    tokens = keras.Input((3,), dtype="int32")
    x = layers.Embedding(5, 4, mask_zero=True, name="embedding")(tokens)
    query = layers.Dense(4, name="query")(x)
    y = layers.Attention(name="attention")([query, x], mask=[tokens > 0, tokens > 0])
    steps = {s.operation.name: s for s in record(tfprune.analyse(keras.Model(tokens, y))).steps}
    attention = steps["attention"]
    assert attention.reads == (*steps["query"].outputs, *steps["embedding"].outputs)
    masks = set(attention.needs) - set(attention.reads)
    assert len(masks) == 2


def test_several_outputs_of_one_call():
    image = keras.Input((4,))
    left, right = keras.ops.split(layers.Dense(6)(image), 2, axis=-1)
    tape = record(tfprune.analyse(keras.Model(image, [right, left])))
    assert tape.steps[1].outputs == (2, 3)
    assert tape.outputs == (3, 2)
