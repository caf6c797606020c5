import keras
import numpy as np
import pytest
from keras import layers

from tfprune.errors import PruningError
from tfprune.training import evaluate, fine_tune
from tfprune.training.copying import copy_model, reseed

from .toys import blobs, network


def test_the_copy_is_equal_and_shares_nothing():
    model, (x, _) = network(), blobs()
    copy = copy_model(model)
    np.testing.assert_array_equal(copy(x), model(x))
    before = model.get_weights()
    for variable in copy.variables:
        variable.assign(variable + 1)
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)


def test_names_freezing_and_settings_stay():
    model = network(dropout=0.5)
    model.get_layer("hidden").trainable = False
    copy = copy_model(model)
    assert [layer.get_config() for layer in copy.layers] == [
        layer.get_config() for layer in model.layers
    ]
    assert len(copy.trainable_variables) == len(model.trainable_variables) == 4


def test_nested_and_sequential_models():
    inner = network()
    model = keras.Sequential([keras.Input((5,)), inner, layers.Dense(2)])
    x, _ = blobs()
    for precision in (None, "mixed_bfloat16"):
        copy = copy_model(model, precision=precision)
        tolerance = 0 if precision is None else 0.02
        np.testing.assert_allclose(copy(x), model(x), atol=tolerance)
        assert np.abs(model(x)).max() > 0.1


def test_a_compiled_model_is_copied_without_its_own_loss():
    class OwnLoss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred

    for model in (network(), keras.Sequential([keras.Input((5,), name="points"), layers.Dense(2)])):
        model.compile("adam", OwnLoss())
        copy = copy_model(model)
        assert not copy.compiled
        assert type(copy) is type(model)
        assert copy.get_config() == model.get_config()


def test_several_inputs_keep_their_names_and_form():
    inputs = {name: keras.Input((5,), name=name) for name in "ab"}
    shared = layers.Dense(2)
    model = keras.Model(inputs, shared(inputs["a"]) + shared(inputs["b"]))
    copy = copy_model(model)
    x, _ = blobs()
    np.testing.assert_array_equal(copy({"a": x, "b": 2 * x}), model({"a": x, "b": 2 * x}))
    assert copy.get_config() == model.get_config()
    assert len(copy.weights) == 2


def test_an_adapted_normalization_keeps_its_statistics():
    norm = layers.Normalization()
    x, _ = blobs()
    norm.adapt(x + 7)
    inputs = keras.Input((5,))
    model = keras.Model(inputs, norm(inputs))
    np.testing.assert_array_equal(copy_model(model)(x + 7), model(x + 7))
    assert np.abs(model(x + 7)).max() < 5


def test_mixed_precision_leaves_variables_and_the_softmax_in_float32():
    model = network()
    copy = copy_model(model, precision="mixed_bfloat16")
    computes = {layer.name: layer.compute_dtype for layer in copy.layers[1:]}
    assert computes == {
        "hidden": "bfloat16", "norm": "bfloat16", "relu": "bfloat16", "head": "float32",
    }  # fmt: skip
    assert {v.dtype for v in copy.variables} == {"float32"}
    for left, right in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_layers_own_policy_stays():
    inputs = keras.Input((5,))
    x = layers.Dense(4, dtype="mixed_float16", name="own")(inputs)
    copy = copy_model(keras.Model(inputs, layers.Dense(2)(x)), precision="mixed_bfloat16")
    assert copy.get_layer("own").compute_dtype == "float16"


def test_the_seed_alone_decides_on_random_layers():
    copies = [copy_model(network(dropout=0.5, seed=seed)) for seed in (1, 2)]
    states = []
    for copy, seed in zip([*copies, copies[0]], (5, 5, 6), strict=True):
        reseed(copy, seed)
        states.append(copy.get_layer("dropout").variables[0].numpy().tolist())
    assert states[0] == states[1] != states[2]


def test_models_without_a_graph_are_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    own = Own(name="own")
    own(np.zeros((1, 2)))  # builds it
    with pytest.raises(
        PruningError, match=r"'own' \(Own\) cannot be copied: expected a functional"
    ):
        copy_model(own)
    with pytest.raises(PruningError, match=r"'late' is not built.*Call it once"):
        copy_model(keras.Sequential([layers.Dense(2)], name="late"))


def test_models_of_another_keras_are_refused_by_what_trains_and_measures():
    base = type("Model", (), {"__module__": "tf_keras.src.training"})
    model = type("Functional", (base,), {"__module__": "tf_keras.src.functional"})()
    data = (np.zeros((4, 2), "float32"), np.zeros(4, int))
    for use in (lambda: copy_model(model), lambda: fine_tune(model, data, epochs=1, batch_size=2),
                lambda: evaluate(model, data)):  # fmt: skip
        with pytest.raises(PruningError, match=r"model of Keras 3, received tf_keras\.src"):
            use()
