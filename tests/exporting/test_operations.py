"""A layer that a runtime cannot express is named, and nothing is left behind."""

import keras
import pytest
import tensorflow as tf

import tfprune
from tfprune.errors import PruningError
from tfprune.exporting import _operations, export


class Own(keras.layers.Layer):
    """A layer of a user's."""

    def __init__(self, function, name):
        super().__init__(name=name)
        self.function = function

    def call(self, x):
        return self.function(x)


def network(*functions):
    """Of each function a layer in a model within, behind one that every runtime has."""
    layers = [Own(function, f"odd_{place}") for place, function in enumerate(functions)]
    inner = keras.Sequential([keras.Input((4, 4)), *layers], name="inner")
    image = keras.Input((4, 4), name="image")
    return keras.Model(image, inner(keras.layers.Activation("tanh", name="usual")(image)), name="n")


def inverse(x):
    return tf.linalg.inv(x + 9 * tf.eye(4))


def digamma(x):
    return tf.math.digamma(x + 2)


@pytest.mark.parametrize(
    ("name", "runtime", "function", "kind"),
    [
        ("tflite", "LiteRT", inverse, "MatrixInverse"),  # TensorFlow's own kernels would have it
        ("tflite_float16", "LiteRT", digamma, "Digamma"),
        ("openvino", "OpenVINO", digamma, "Digamma"),
    ],
)
def test_the_layer_of_a_missing_operation_is_named(tmp_path, name, runtime, function, kind):
    if name == "openvino":
        pytest.importorskip("openvino")
    with pytest.raises(
        PruningError,
        match=rf"^{runtime} cannot hold the model 'n': it has no operation {kind}, of which layer "
        r"'odd_0' is made\. Export 'saved_model' or 'keras'",
    ):
        export(network(function), tmp_path, formats=[name])
    assert list(tmp_path.iterdir()) == []


def test_a_plain_operation_is_named_alone_among_others_of_its_kind(tmp_path):
    image = keras.Input((None, None), name="image")
    x = keras.layers.Activation("tanh", name="usual")(image[:, 1:])
    odd = x[:, None, :, :]  # LiteRT has no new axis where all sizes are open
    model = keras.Model(image, (odd * 2)[:, 0, 1:], name="n")
    name = next(x.name for x in model.operations if x.output is odd)
    with pytest.raises(PruningError, match=rf"StridedSlice, of which layer '{name}' is made\."):
        export(model, tmp_path, formats=["tflite"])


def test_latencies_name_it_too():
    with pytest.raises(PruningError, match=r"^LiteRT cannot hold .*MatrixInverse.*'odd_1'"):
        tfprune.latency(network(tf.abs, inverse), runtime="tflite")


def test_all_layers_and_operations_are_told():
    refusal = _operations.lacks(
        "X", network(digamma, inverse, digamma), ["MatrixInverse", "Digamma"]
    )
    assert "no operation Digamma, MatrixInverse, of which layers 'odd_0', 'odd_1', 'odd_2'" in str(
        refusal
    )


def test_what_no_layer_is_made_of_is_told_without_one():
    assert "has no operation Zeta. Export" in str(_operations.lacks("X", network(tf.abs), ["Zeta"]))
