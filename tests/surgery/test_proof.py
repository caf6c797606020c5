"""What verify must not call proof: faint outputs, forgotten state, masks without effect."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.toy_models import randomize
from tfprune import PruningError
from tfprune.surgery.responses import responses

KEEP = {"conv": np.array([True, False] * 4)}


@pytest.fixture(scope="module")
def mobile_net():
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None)
    graph = tfprune.analyse(model)
    keep = {
        name: np.arange(graph.channels(name)) % 2 == 0 for name in ("Conv_1", "block_16_expand")
    }
    return graph, keep


def test_an_untrained_classifier_is_proven_before_its_softmax(mobile_net):
    graph, keep = mobile_net
    check = tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))
    assert check.proven
    assert check.effect > 0.1


def test_wrong_masks_do_not_hide_behind_a_faint_softmax(mobile_net):
    graph, keep = mobile_net
    small = tfprune.rebuild(graph, {name: ~mask for name, mask in keep.items()})
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, keep, small)


def test_random_weights_do_not_hide_behind_a_faint_softmax(mobile_net):
    graph, keep = mobile_net
    small = keras.models.clone_model(tfprune.rebuild(graph, keep))
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, keep, small)


def dense(activation):
    return lambda x: layers.Dense(6, activation=activation)(layers.GlobalAveragePooling2D()(x))


def nested(x):
    y = keras.Input((6, 6, 8))
    return keras.Model(y, dense("softmax")(y), name="inner")(x)


ENDS = {
    "softmax in Dense": dense("softmax"),
    "sigmoid in Dense": dense("sigmoid"),
    "softmax as layer": lambda x: layers.Softmax()(dense(None)(x)),
    "softmax by name": lambda x: layers.Activation("softmax")(dense(None)(x)),
    "softmax as operation": lambda x: ops.softmax(dense(None)(x)),
    "convolution, pooled and flat": lambda x: layers.Reshape((3, 2))(
        layers.GlobalAveragePooling2D()(layers.Conv2D(6, 1, activation="sigmoid")(x))
    ),
    "within a nested model": nested,
}


@pytest.mark.parametrize("end", ENDS)
def test_answers_are_read_before_the_last_softmax_or_sigmoid(end):
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, ENDS[end](layers.Conv2D(8, 1, name="conv")(image)))
    randomize(model)
    faint = [w for w in model.weights if w.ndim > 1][-1]
    faint.assign(faint * 1e-6)
    inputs = np.random.default_rng(0).standard_normal((4, 6, 6, 3)).astype("float32")
    (answers,) = responses(model, inputs)
    outputs = np.array(model(inputs))
    assert answers.shape == outputs.shape
    assert np.ptp(outputs, axis=0).max() < 1e-5  # what the outputs themselves tell apart
    assert np.ptp(answers, axis=0).max() > 0
    graph = tfprune.analyse(model)
    assert tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP)).proven
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, KEEP, tfprune.rebuild(graph, {"conv": ~KEEP["conv"]}))


def test_the_model_itself_is_not_changed_by_a_reading_before_its_softmax():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, activation="softmax")])
    inputs = np.ones((2, 3), "float32")
    before = np.array(model(inputs))
    (answers,) = responses(model, inputs)
    np.testing.assert_array_equal(np.array(model(inputs)), before)
    np.testing.assert_allclose(answers, inputs @ np.array(model.layers[0].kernel), rtol=1e-6)


class Forgetful(layers.Layer):
    """A factor that get_config does not tell."""

    factor = 1.0

    def call(self, x):
        return x * self.factor


def test_state_that_a_config_forgets_is_noticed_and_its_layer_named():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1, name="conv")(image)
    x = layers.Conv2D(2, 1)(layers.ReLU()(x))
    forgetful = Forgetful(name="scaled")
    forgetful.factor = 3.0
    model = keras.Model(image, layers.Dense(2)(forgetful(x)))
    graph = tfprune.analyse(model, open_layers=False)
    small = tfprune.rebuild(graph, KEEP)
    told = r"with nothing cut computes something else: layer 'scaled' \(Forgetful\) is the first"
    with pytest.raises(PruningError, match=told):
        tfprune.verify(graph, KEEP, small)
    forgetful.factor = 1.0
    assert tfprune.verify(graph, KEEP, small).proven


def offset_net(size):
    """A net whose answers lie so far from zero that float32 rounds what moves them."""
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="conv")(image)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="end")(x)))
    randomize(model)
    model.get_layer("end").bias.assign([size] * 4)
    return model


def test_rounding_is_told_from_a_wrong_rule_in_float64():
    graph = tfprune.analyse(offset_net(1e5))
    check = tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP))
    assert check.dtype == "float64"
    assert check.relative < 1e-9
    assert check.proven
    assert "equal in float64" in str(check)
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, KEEP, tfprune.rebuild(graph, {"conv": ~KEEP["conv"]}))


def test_a_constant_output_beside_one_that_moves_is_compared_by_its_size():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1, name="conv")(image)
    constant = layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones", name="c")(x)
    model = keras.Model(image, [layers.Dense(2)(x), constant])
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    assert tfprune.verify(graph, KEEP, small).proven
    small.get_layer("c").bias.assign_add([0.1, 0])
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, KEEP, small)


def test_outputs_that_no_input_moves_are_no_proof():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1, name="conv")(image)
    end = layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")(x)
    graph = tfprune.analyse(keras.Model(image, end))
    check = tfprune.verify(graph, KEEP, tfprune.rebuild(graph, {"conv": ~KEEP["conv"]}))
    assert check.exact
    assert not check.proven


def test_where_random_samples_prove_nothing_a_batch_does():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 1, name="conv", kernel_initializer="ones")(image)
    x = layers.ReLU(threshold=1000.0)(x)  # which only the numbers of real images pass
    model = keras.Model(image, layers.Dense(2, bias_initializer="ones")(x))
    assert not tfprune.prune(model, None, "l1", ratio=0.5)[1].verification.proven
    batches = [np.random.default_rng(0).uniform(300, 900, (4, 6, 6, 3))]
    assert tfprune.prune(model, batches, "l1", ratio=0.5)[1].verification.proven


def test_text_needs_inputs_of_the_user_s():
    vector = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3)
    text = keras.Input((1,), dtype="string", name="text")
    x = layers.Dense(8, name="conv")(layers.Embedding(4, 3)(vector(text)))
    model = keras.Model(text, layers.Dense(2)(layers.Flatten()(x)))
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    with pytest.raises(PruningError, match=r"takes text \(input 'text'\).*Pass `inputs`"):
        tfprune.verify(graph, KEEP, small)
    lines = keras.ops.convert_to_tensor([["a b"], ["b a a"], ["c"]])
    assert tfprune.verify(graph, KEEP, small, inputs=lines).proven
    batches = [(lines, np.zeros(3, int))]
    _, report = tfprune.prune(model, batches, "l1", ratio=0.5)
    assert report.verification.proven
    with pytest.raises(PruningError, match="takes text"):
        tfprune.prune(model, None, "l1", ratio=0.5)
    assert tfprune.prune(model, None, "l1", ratio=0.5, inputs=lines)[1].verification.proven


def test_texts_are_no_longer_than_a_table_of_positions():
    class Positions(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(name="table", shape=(6, shape[-1]))

        def call(self, x):
            return x + self.table[: ops.shape(x)[1]]

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = Positions()(layers.Embedding(9, 4)(tokens))
    x = layers.Dense(8, name="conv")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(tokens, layers.Dense(2)(x))
    graph = tfprune.analyse(model)
    assert tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP)).proven
    batches = [np.random.default_rng(0).integers(0, 9, (4, 5))]
    assert tfprune.prune(model, batches, "l1", ratio=0.5)[1].verification.proven


def test_random_words_are_never_padding_alone():
    words = keras.Input((2,), dtype="int32")
    x = layers.Embedding(4, 6, mask_zero=True, name="table")(words)
    model = keras.Model(words, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    graph = tfprune.analyse(model)
    keep = {"table": np.array([True, False] * 3)}
    small = tfprune.rebuild(graph, keep)
    assert all(tfprune.verify(graph, keep, small, seed=seed).proven for seed in range(4))


def test_an_activation_that_keras_reads_as_another_one_is_told():
    vector = keras.Input((6,))
    x = layers.Dense(8, activation=keras.ops.gelu, name="wide")(vector)  # approximate by default
    model = keras.Model(vector, layers.Dense(2)(x))
    graph = tfprune.analyse(model, open_layers=False)
    keep = {"wide": np.arange(8) % 2 == 0}
    told = r"layer 'wide' \(Dense\) is the first .* reads that as keras.activations.gelu"
    with pytest.raises(PruningError, match=told):
        tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))
    model.get_layer("wide").activation = keras.activations.gelu
    tfprune.prune(model, ratio=0.5)


class Sampling(layers.Layer):
    def call(self, x):
        return x + keras.random.normal(ops.shape(x))


def test_a_layer_that_draws_numbers_is_told():
    vector = keras.Input((6,))
    x = layers.Dense(4)(Sampling(name="drawn")(layers.Dense(8)(vector)))
    model = keras.Model(vector, layers.Dense(2)(x))
    with pytest.raises(PruningError, match=r"'drawn' \(Sampling\) is .* draw random numbers do"):
        tfprune.prune(model, ratio=0.5)
