"""What a layer kind is: told once, with its rule, and found by all who ask."""

import keras
import pytest
from keras import activations, layers, ops

import tfprune
from tfprune.graph.activation_kinds import activation_name, is_activation, rectifies
from tfprune.graph.rules import has_role
from tfprune.graph.rules._activations import ELEMENTWISE


def operation(function, shape=(4, 4, 3)):
    return keras.Model(x := keras.Input(shape), function(x)).operations[-1]


@pytest.mark.parametrize("name", sorted(f.__name__ for f in ELEMENTWISE - {activations.linear}))
def test_every_elementwise_activation_is_one_by_name_and_as_an_operation(name):
    assert is_activation(layers.Activation(name))
    if hasattr(ops, name) and name != "threshold":  # it has no defaults there
        assert is_activation(operation(getattr(ops, name)))


def test_an_activation_with_settings_is_one():
    assert is_activation(operation(lambda x: activations.relu(x, negative_slope=0.1, threshold=1)))


@pytest.mark.parametrize(
    "kind", [k for n, k in vars(layers).items() if "Pooling" in n or n.endswith("Pool2D")]
)
def test_every_pooling_of_keras_is_one(kind):
    average = "Average" in kind.__name__
    layer = kind(2) if "Global" not in kind.__name__ else kind()
    assert has_role(layer, "pooling")
    assert has_role(layer, "average_pooling") == average
    assert has_role(layer, "max_pooling") != average


def test_a_narrower_role_is_a_wider_one_too_and_not_the_other_way_round():
    assert has_role(layers.BatchNormalization(), "normalisation")
    assert not has_role(layers.LayerNormalization(), "batch_normalisation")
    assert not has_role(layers.Softmax(), "activation")  # it spans the channels


def test_a_subclass_is_what_its_parent_is():
    class Own(layers.BatchNormalization):
        pass

    assert has_role(Own(), "batch_normalisation")
    assert not has_role(Own(), "pooling")


def test_a_rule_gives_a_user_s_layer_a_role():
    class Swish(layers.Layer):
        def call(self, x):
            return x * ops.sigmoid(x)

    assert not is_activation(Swish())
    tfprune.rule(Swish, role="activation")(lambda call: call.passed())
    assert is_activation(Swish())


def test_an_unknown_role_is_refused():
    with pytest.raises(
        tfprune.PruningError, match=r"Unknown role.*'norm'.*activation, attention, average"
    ):
        tfprune.rule(layers.Layer, role="norm")
    with pytest.raises(tfprune.PruningError, match=r"'convolve'\. Did you mean 'convolution'\?"):
        has_role(layers.ReLU(), "convolve")


@pytest.mark.parametrize("make", [layers.Softmax, lambda: operation(ops.softmax)])
def test_a_softmax_is_named_as_a_layer_and_as_an_operation(make):
    assert activation_name(make()) == "softmax"


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (layers.PReLU, True),
        (lambda: layers.Dense(2, activation=layers.LeakyReLU()), True),
        (lambda: layers.Conv2D(2, 1, activation="relu6"), True),
        (lambda: layers.Activation("tanh"), False),
        (layers.Dropout, False),
    ],
)
def test_what_rectifies(layer, told):
    assert rectifies(layer() if layer is not layers.Dropout else layer(0.5)) == told
