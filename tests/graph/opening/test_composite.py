"""Functional models that hold composite layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tfprune
from tests.graph.opening import nets
from tests.property.checking import check
from tests.property.growing import enliven


def two_headed():
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    block = nets.Block(8, name="block")
    x = block(block(x))
    inner = keras.Input((16, 16, 8))
    nested = keras.Model(inner, nets.SqueezeExcite(name="gate")(inner), name="nested")
    x = layers.GlobalAveragePooling2D(name="pool")(nested(x))
    return keras.Model(image, [nets.Linear(3, name="p1")(x), layers.Dense(2, name="p2")(x)])


def test_only_composite_layers_are_taken_apart():
    opened = tfprune.open_up(two_headed())
    names = [x.name for x in opened.layers]
    assert {"image", "stem", "block.conv1", "nested.gate.squeeze", "pool", "p2"} <= set(names)
    assert len(opened.get_layer("block.conv1")._inbound_nodes) == 2


def test_outputs_keep_the_names_that_losses_are_keyed_by():
    model = two_headed()
    model.compile("sgd", {"p1": "mse", "p2": "mae"})
    opened = tfprune.open_up(model)
    assert opened.output_names == model.output_names == ["p1", "p2"]
    x, y = np.zeros((2, 16, 16, 3)), {"p1": np.zeros((2, 3)), "p2": np.zeros((2, 2))}
    small, _ = tfprune.prune(model, None, method="l1", ratio=0.5)
    for one in (opened, small):
        one.fit(x, y, verbose=0)


def test_a_model_without_composite_layers_is_returned_as_it_is():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    assert tfprune.open_up(model) is model
    assert tfprune.analyse(model).model is model


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_dtype_policies_are_kept(policy):
    image = keras.Input((6,), dtype="float64" if policy == "float64" else "float32")
    layer = nets.Linear(4, name="own", dtype=policy)
    model = keras.Model(image, layer(layers.Dense(6, dtype=policy)(image)))
    opened = tfprune.open_up(model)
    assert opened.output.dtype == model.output.dtype
    assert opened.get_layer("own.w").dtype_policy.name == policy


class Tied(layers.Layer):
    """Reads one matrix in two ways."""

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], shape[-1]), name="w")

    def call(self, x):
        return ops.matmul(ops.matmul(x, self.w), ops.transpose(self.w))


def test_a_matrix_that_is_multiplied_by_becomes_a_dense_layer_unless_more_is_done_with_it():
    image = keras.Input((6,))
    written = keras.Model(image, nets.Linear(3, name="own")(image))
    assert isinstance(tfprune.open_up(written).get_layer("own.w"), layers.Dense)
    tied = tfprune.open_up(keras.Model(image, Tied(name="own")(image)))
    assert isinstance(tied.get_layer("own.w"), layers.Embedding)
    assert tied.count_params() == 36


def test_regularizers_and_constraints_stay_or_the_layer_is_refused():
    class Bound(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(
                shape=self.size, name="w", constraint="non_neg", regularizer="l2"
            )

        def call(self, x):
            return x * self.w

    bound = Bound(name="own")
    bound.size = (6,)
    image = keras.Input((6,))
    with pytest.raises(tfprune.PruningError, match="'w' has a constraint on 1 axes"):
        tfprune.open_up(keras.Model(image, bound(image)))
    bound = Bound(name="own")
    bound.size = (1, 6)
    model = keras.Model(image, bound(image))
    opened = tfprune.open_up(model)
    assert isinstance(opened.get_layer("own.w").embeddings_constraint, keras.constraints.NonNeg)
    np.testing.assert_allclose(opened.losses, model.losses)


def film(steps, batch_size=None):
    image = keras.Input((6, 6, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, name="conv")(image))
    x = layers.GlobalAveragePooling2D()(nets.Block(4, name="block")(x))
    inner = keras.Model(image, x, name="inner")
    frames = keras.Input((steps, 6, 6, 3), batch_size=batch_size)
    x = layers.TimeDistributed(inner, name="each")(frames)
    y = layers.LSTM(3, name="lstm")(x)
    return keras.Model(frames, layers.Dense(2, name="head")(y))


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_model_at_every_step_is_called_once_with_the_steps_among_the_samples(batch_size):
    model = film(5, batch_size)
    enliven(model, 0)
    opened = tfprune.open_up(model)
    frames = np.random.default_rng(0).normal(size=(2, 5, 6, 6, 3)).astype("float32")
    np.testing.assert_allclose(opened(frames), model(frames), rtol=1e-5, atol=1e-6)
    graph = tfprune.analyse(model)
    assert graph.free("each.inner.conv").all()
    keep = {"each.inner.conv": np.array([True, False, True, False])}
    keep |= {name: keep["each.inner.conv"] for name in graph.groups["each.inner.conv"]}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    assert small.get_layer("lstm").cell.kernel.shape[0] == 2


def at_every_step(steps, masked):
    vector = keras.Input((3,))
    inner = keras.Model(vector, layers.Dense(4, name="within")(vector), name="functional")
    series = keras.Input((steps, 3))
    x = layers.Masking()(series) if masked else series
    x = layers.TimeDistributed(inner, name="each")(x)
    return keras.Model(series, layers.Dense(2)(layers.Dense(5, name="after")(x)))


def test_steps_that_are_masked_leave_a_model_at_every_step_whole():
    model = at_every_step(4, masked=True)
    graph = tfprune.analyse(model)
    assert graph.free("after").all()
    assert "each.layer.within" not in graph.producers
    with pytest.raises(tfprune.PruningError, match="its steps are masked"):
        tfprune.open_up(model)


@pytest.mark.parametrize("shape", [(2, 5, 3), (7, 3, 3)])
def test_a_model_at_every_step_of_an_open_number_is_opened_too(shape):
    model = at_every_step(None, masked=False)
    assert tfprune.analyse(model).free("each.layer.within").all()
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_allclose(tfprune.open_up(model)(x), model(x), rtol=1e-5, atol=1e-6)


def test_a_cost_counts_what_is_within():
    assert (
        tfprune.cost(two_headed()).macs
        > tfprune.cost(
            keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(8, 3, padding="same")])
        ).macs
    )


def test_a_model_that_reads_words_is_opened_and_compared_on_words_that_it_knows():
    words = layers.TextVectorization(output_sequence_length=6)
    words.adapt(["a b c d", "e f g"])
    text = keras.Input((1,), dtype="string")
    x = layers.Embedding(9, 8, name="table")(words(text))
    x = layers.GlobalAveragePooling1D()(nets.Linear(5, name="within")(x))
    model = keras.Model(text, layers.Dense(3, name="head")(x))
    graph = tfprune.analyse(model)
    keep = {"table": np.arange(8) % 2 == 0}
    small = tfprune.rebuild(graph, keep)
    sentences = tf.constant([["a b c"], ["d e"], ["g g f a"]])
    assert tfprune.verify(graph, keep, small, inputs=sentences).difference < 1e-5


def quick(x):
    """A function of the user's, which no file can name."""
    return x * ops.sigmoid(1.702 * x)


class Activated(layers.Layer):
    """A hidden layer whose activation is a layer of its own."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = layers.Dense(8, name="hidden"), layers.Dense(4, name="out")
        self.activation = layers.Activation(function, name="activation")

    def call(self, x):
        return self.out(self.activation(self.hidden(x)))


def test_an_activation_of_the_users_in_a_call_becomes_its_operations(tmp_path):
    image = keras.Input((6,))
    model = keras.Model(image, Activated(quick, name="own")(image))
    small, report = tfprune.prune(model, None, method="l1", ratio=0.5)
    assert report.verification.relative <= 1e-5
    assert small.get_layer("own.hidden").units == 4
    small.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    x = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    np.testing.assert_array_equal(loaded(x), small(x))


@pytest.mark.parametrize("function", ["gelu", keras.activations.silu, tf.nn.elu])
def test_an_activation_that_keras_knows_or_cannot_follow_stays_a_layer(function):
    image = keras.Input((6,))
    opened = tfprune.open_up(keras.Model(image, Activated(function, name="own")(image)))
    assert isinstance(opened.get_layer("own.activation"), layers.Activation)


def test_an_activation_of_the_users_in_their_own_graph_keeps_its_name():
    image = keras.Input((6,))
    x = layers.Activation(quick, name="named")(layers.Dense(5)(image))
    opened = tfprune.open_up(keras.Model(image, nets.Linear(3, name="own")(x)))
    assert opened.get_layer("named").activation is quick


def test_a_lambda_is_opened_as_no_file_could_hold_it(tmp_path):
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, name="first")(image)
    left = layers.Lambda(lambda x: x[..., :4], name="left")(x)
    right = layers.Lambda(lambda x, share: share * tf.nn.relu(x[..., 4:]), arguments={"share": 2})(
        x
    )
    y = layers.Lambda(lambda pair: pair[0] + pair[1])([left, layers.Conv2D(4, 1, name="r")(right)])
    out = layers.Lambda(lambda x: ops.mean(x, axis=(1, 2)), name="pooled")(
        layers.Conv2D(3, 1, name="head")(y)
    )
    model = nets.enlivened(keras.Model(image, out))
    graph = tfprune.analyse(model)
    assert graph.free("first").all()
    assert graph.free("r").all()
    assert graph.model.output_names == ["pooled"]
    check(model, 0.5, 0, tmp_path / "small.keras")


def test_a_lambda_that_cannot_be_opened_is_left_whole():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, name="first")(image)
    x = layers.Lambda(lambda x: tf.math.lgamma(tf.abs(x) + 1.0), name="own")(x)
    model = keras.Model(image, layers.Conv2D(2, 1)(x))
    with pytest.raises(tfprune.PruningError, match=r"Layer 'own' \(Lambda\) cannot be opened"):
        tfprune.open_up(model)
    assert tfprune.analyse(model).free("first").all()  # it acts on each number alone


class Mlp(keras.Model):
    def __init__(self):
        super().__init__()
        self.wide = layers.Dense(8, activation=ops.gelu)
        self.back = layers.Dense(4)

    def call(self, x):
        return self.back(self.wide(x))


@pytest.mark.parametrize("kind", ["functional", "subclassed"])
def test_an_activation_that_keras_reads_as_another_one_is_called_behind_its_layer(kind, tmp_path):
    vector = keras.Input((6,))
    wide = layers.Dense(8, activation=ops.gelu, name="wide")  # approximate by default
    functional = keras.Model(vector, layers.Dense(4)(wide(vector)))
    model = functional if kind == "functional" else nets.built(Mlp, np.ones((2, 6), "float32"))
    graph = tfprune.analyse(nets.enlivened(model))
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    np.testing.assert_allclose(graph.model(x), model(x), rtol=1e-5, atol=1e-6)
    assert graph.free("wide").all()
    check(graph.model, 0.5, 0, tmp_path / "small.keras")


@pytest.mark.parametrize(
    "activation",
    [layers.PReLU, layers.LeakyReLU, lambda: quick, lambda: tf.nn.swish, lambda: "gelu"],
    ids=["with weights", "a layer", "of one's own", "TensorFlow's", "named"],
)
def test_other_activations_stay_within_their_layer(activation):
    vector = keras.Input((6,))
    wide = layers.Dense(8, activation=activation(), name="wide")
    model = keras.Model(vector, layers.Dense(4)(wide(vector)))
    assert tfprune.analyse(model).model is model
