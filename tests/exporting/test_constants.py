"""SavedModels for converters: weights are constants where there is nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.exporting import _constants


def two_outputs():
    x = keras.Input((4,), name="x")
    shared = keras.layers.Dense(5, activation="relu", name="shared")(x)
    heads = [keras.layers.Dense(size, name=name)(shared) for name, size in (("z", 2), ("a", 3))]
    return keras.Model(x, heads, name="two")


class Counting(keras.layers.Layer):
    """Its call changes a state, also when the model predicts."""

    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign(self.count + 1)
        return x * self.count


def counting():
    x = keras.Input((4,), name="x")
    return keras.Model(x, Counting(name="counting")(x), name="counts")


def called(folder, name, x):
    found = tf.saved_model.load(str(folder)).signatures[name](x=tf.constant(x))
    return {key: value.numpy() for key, value in found.items()}


def variables(folder):
    names = [name for name, _ in tf.train.list_variables(str(folder / "variables/variables"))]
    return [name for name in names if not name.startswith("_CHECKPOINTABLE")]


def test_outputs_keep_their_names_and_weights_are_constants(tmp_path):
    model = two_outputs()
    _constants.write({"part": model}, tmp_path)
    images = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    found = called(tmp_path, "part", images)
    for name, expected in zip(("z", "a"), model(images), strict=True):
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(found[name], expected, atol=1e-6)
    assert variables(tmp_path) == []


@pytest.mark.parametrize("activation", ["silu", "gelu", "leaky_relu", "softplus", "mish"])
def test_activations_with_gradients_of_their_own(tmp_path, activation, caplog):
    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Dense(3, activation=activation, name="hidden")(x))
    _constants.write({"part": model}, tmp_path)
    given = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(called(tmp_path, "part", given)["hidden"], model(given), atol=1e-6)
    assert "gradient" not in caplog.text


def test_loops_stay_loops(tmp_path):
    """TensorFlow 1's Enter and Switch, which they are lowered to otherwise, no converter knows."""
    x = keras.Input((5, 3), name="x")
    model = keras.Model(x, keras.layers.LSTM(4, name="hidden")(x))
    _constants.write({"part": model}, tmp_path)
    signature = tf.saved_model.load(str(tmp_path)).signatures["part"]
    library = signature.graph.as_graph_def().library
    operations = {node.op for function in library.function for node in function.node_def}
    assert operations & {"While", "StatelessWhile"}
    assert not operations & {"Enter", "Exit", "Merge", "Switch"}
    given = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    np.testing.assert_allclose(called(tmp_path, "part", given)["hidden"], model(given), atol=1e-6)


def test_each_model_has_its_signature(tmp_path):
    models = {"first": two_outputs(), "second": two_outputs()}
    _constants.write(models, tmp_path)
    images = np.ones((1, 4), "float32")
    answers = {name: called(tmp_path, name, images)["z"] for name in models}
    for name, model in models.items():
        np.testing.assert_allclose(answers[name], model(images)[0], atol=1e-6)
    assert np.abs(answers["first"] - answers["second"]).max() > 0.01


def test_a_state_that_the_call_changes_is_no_constant(tmp_path):
    _constants.write({"part": counting()}, tmp_path)
    signature = tf.saved_model.load(str(tmp_path)).signatures["part"]
    ones = tf.ones((1, 4))
    assert [signature(x=ones)["counting"].numpy()[0, 0] for _ in range(3)] == [1, 2, 3]


def test_very_many_weights_are_no_constants(tmp_path, monkeypatch):
    model = two_outputs()
    monkeypatch.setattr(_constants, "_LARGEST", 4 * model.count_params() - 1)
    _constants.write({"part": model}, tmp_path)
    assert len(variables(tmp_path)) >= len(model.weights)
    images = np.ones((3, 4), "float32")
    np.testing.assert_allclose(called(tmp_path, "part", images)["a"], model(images)[1], atol=1e-6)


def test_a_table_of_words_is_no_constant(tmp_path):
    x = keras.Input((1,), dtype="string", name="x")
    numbers = keras.layers.StringLookup(vocabulary=["a", "b"], name="words")(x)
    model = keras.Model(x, keras.layers.Embedding(3, 2, name="table")(numbers), name="text")
    _constants.write({"part": model}, tmp_path)
    given = np.array([["b"], ["c"]])
    np.testing.assert_allclose(
        called(tmp_path, "part", given)["table"], model(tf.constant(given)), atol=1e-6
    )
