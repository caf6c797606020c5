"""Models that a file could not hold are copied in memory, and what comes out reloads if it can."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tfprune
from tests.abilities import require_keras
from tfprune import PruningError
from tfprune.training.copying import copy_model

KEEP = {"a": np.array([True, False, True, True, False, True])}


def around(*middle, **settings):
    """A Dense layer whose channels may go, what is asked about, and a Dense layer behind it."""
    x = image = keras.Input((4,))
    for layer in (layers.Dense(6, name="a", **settings), *middle, layers.Dense(6, name="b")):
        x = layer(x)
    return keras.Model(image, layers.Dense(2)(x))


def own_swish(x):
    return x * ops.sigmoid(x)


def own_penalty(weight):
    return 0.01 * ops.sum(ops.square(weight))


def penalty():
    require_keras("3.15", "functions as regularizers")
    return own_penalty


class WithoutConfig(layers.Layer):
    """Its argument cannot be written to a file, and its name is none of its arguments."""

    def __init__(self, table):
        super().__init__(name="p2")
        self.table = table

    def build(self, shape):
        self.inner = [layers.Dense(6)]
        self.inner[0].build(shape)
        self.shift = self.add_weight(name="shift", shape=shape[-1:], initializer="ones")

    def call(self, x):
        return self.inner[0](x * self.table) + self.shift


class Bare(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


class Wrapped(layers.Layer):
    """Nobody registered it, and another layer holds it."""

    def call(self, x):
        return x + 1

    def compute_output_shape(self, shape):
        return shape


UNFILED = {
    "a lambda": lambda: around(layers.Lambda(lambda x: 2 * x)),
    "an activation of one's own": lambda: around(layers.Dense(6, activation=own_swish)),
    "an activation of TensorFlow's": lambda: around(layers.Dense(6, activation=tf.nn.swish)),
    "a regularizer of one's own": lambda: around(layers.Dense(6, kernel_regularizer=penalty())),
    "no config": lambda: around(WithoutConfig(np.arange(6.0))),
    "no name in the config": lambda: around(Bare(3.0)),
}


@pytest.mark.parametrize("case", UNFILED)
def test_a_model_in_memory_needs_no_file(case):
    model = UNFILED[case]()
    graph = tfprune.analyse(model, open_layers=False)
    keep = {"b": KEEP["a"]}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    inputs = np.random.default_rng(0).standard_normal((3, 4))
    copy = copy_model(model)
    np.testing.assert_array_equal(copy(inputs), model(inputs))
    for made in (small, copy):
        assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]
        assert not {id(v) for v in made.variables} & {id(v) for v in model.variables}
        before = model.get_weights()
        made.compile("sgd", "mse")
        made.fit(inputs, np.ones((3, 2)), verbose=0)
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    assert len(copy.trainable_weights) == len(model.trainable_weights)


def test_a_layer_cut_with_functions_of_its_own_keeps_them():
    model = around(kernel_regularizer=penalty())
    small = tfprune.rebuild(tfprune.analyse(model), KEEP)
    assert small.get_layer("a").kernel_regularizer is own_penalty
    assert small.get_layer("a").units == 4


NAMELESS = {
    "a lambda": lambda x: ops.tanh(2 * x),
    "a function with an argument bound": functools.partial(ops.gelu, approximate=False),
}


@pytest.mark.parametrize("case", NAMELESS)
@pytest.mark.parametrize("kind", ["Conv2D", "Dense", "Conv2D at each step"])
def test_a_cut_layer_keeps_an_activation_without_a_name(kind, case):
    activation = NAMELESS[case]
    series = kind.endswith("step")
    kinds = {"Dense": layers.Dense(6, activation=activation, name="a")}
    layer = kinds.get(kind) or layers.Conv2D(6, 3, activation=activation, name="a")
    image = keras.Input((2, 8, 8, 3) if series else (8, 8, 3))
    x = layers.TimeDistributed(layer, name="t")(image) if series else layer(image)
    model = keras.Model(image, layers.Dense(2)(x))
    graph = tfprune.analyse(model)
    name = next(name for name in ("a", "t", "t.a") if name in graph.producers)
    assert graph.free(name).all()
    keep = {name: KEEP["a"]}
    small = tfprune.rebuild(graph, keep)
    assert tfprune.verify(graph, keep, small).proven
    made = small.get_layer(name)
    assert getattr(made, "layer", made).activation is activation
    inputs = np.random.default_rng(0).standard_normal((2, *image.shape[1:]))
    np.testing.assert_array_equal(copy_model(model)(inputs), model(inputs))


def test_a_layer_within_a_layer_needs_no_registration():
    series = keras.Input((3, 4))
    x = layers.TimeDistributed(Wrapped())(series)
    model = keras.Model(series, layers.Dense(2)(layers.Dense(6, name="a")(x)))
    graph = tfprune.analyse(model)
    assert tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP)).proven


def test_what_cannot_be_copied_says_what_to_write():
    class Reader(layers.Layer):
        def __init__(self, file):
            super().__init__()
            self.file = file

        def call(self, x):
            return x

    with open(__file__) as file:
        model = around(Reader(file))
        with pytest.raises(PruningError, match=r"'reader' \(Reader\) .*get_config.*register_"):
            tfprune.rebuild(tfprune.analyse(model, open_layers=False), {})


@pytest.mark.parametrize("case", ["table", "bias", "gamma"])
def test_arrays_in_initializers_do_not_keep_a_file_from_loading(case, tmp_path):
    array = keras.initializers.Constant(np.arange(6.0))
    if case == "table":
        table = keras.initializers.Constant(np.random.default_rng(0).random((9, 6)))
        x = words = keras.Input((5,), dtype="int32")
        x = layers.Embedding(9, 6, name="a", embeddings_initializer=table)(x)
        model = keras.Model(words, layers.Dense(2)(layers.Flatten()(x)))
    elif case == "bias":
        model = around(bias_initializer=array)
    else:
        model = around(layers.BatchNormalization(gamma_initializer=array))
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    assert tfprune.verify(graph, KEEP, small).exact
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    for old, new in zip(small.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_new_operations_have_names_of_their_own():
    """A model read from a file holds names that Keras, in a new process, has not yet given."""
    keras.utils.clear_session()
    image = keras.Input((4, 4, 6), name="image")
    x = ops.take(image, [5, 4, 3, 2, 1, 0], axis=-1)
    a = layers.Conv2D(6, 1, name="a")(x)
    model = keras.Model(image, layers.Conv2D(2, 1)(ops.roll(a, 1, axis=-1)))
    assert [x.name for x in model.operations if "take" in x.name] == ["take"]
    graph = tfprune.analyse(model)
    keras.utils.clear_session()
    small = tfprune.rebuild(graph, KEEP)
    names = [x.name for x in small.operations]
    assert len(set(names)) == len(names)
    assert "roll_take" in names
    assert tfprune.verify(graph, KEEP, small).proven


ONES = np.ones((2, 3, 6), "float32") * np.arange(6, dtype="float32")
JOINED = {
    "beside positions": lambda x: ops.concatenate([ONES, x], 1),
    "behind positions": lambda x: ops.concatenate([x, ONES], axis=1),
    "beside channels": lambda x: ops.concatenate([ONES[:, :, :2], x], -1),
    "stacked": lambda x: ops.stack([ONES, x], 1),
    "appended": lambda x: ops.append(x, ONES, axis=1),
}


@pytest.mark.parametrize("case", JOINED)
def test_constants_are_joined_to_what_is_left(case):
    image = keras.Input((3, 4), batch_size=2)
    x = JOINED[case](layers.Dense(6, name="a")(image))
    model = keras.Model(image, layers.Dense(2, name="end")(x))
    graph = tfprune.analyse(model)
    assert graph.free("a").all()
    small = tfprune.rebuild(graph, KEEP)
    inputs = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
    assert tfprune.verify(graph, KEEP, small, inputs=inputs).proven


def test_a_constant_behind_a_flat_tensor_is_left_whole():
    image = keras.Input((3,), batch_size=2)
    x = ops.append(layers.Dense(6, name="a")(image), np.ones(4, "float32"))
    x = layers.Dense(2)(ops.reshape(x, (2, 8)))
    graph = tfprune.analyse(keras.Model(image, x))
    assert not graph.free("a").any()
    assert "constants are joined to a flat tensor" in str(graph)


def test_a_vocabulary_with_weights_is_copied_and_reloads(tmp_path):
    vector = layers.TextVectorization(output_mode="tf_idf")
    vector.adapt(["a b c", "a b", "b b d"])
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, layers.Dense(2)(layers.Dense(6, name="a")(vector(text))))
    lines = tf.constant([["a b"], ["d c"], ["b e"]])
    np.testing.assert_array_equal(copy_model(model)(lines), model(lines))
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    assert tfprune.verify(graph, KEEP, small, inputs=lines).proven
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(again(lines), small(lines))


def test_a_copy_keeps_an_adapted_lookup():
    lookup = layers.IntegerLookup()
    lookup.adapt(np.array([3, 5, 9, 3]))
    number = keras.Input((1,), dtype="int64")
    x = layers.Flatten()(layers.Embedding(5, 6, name="a")(lookup(number)))
    model = keras.Model(number, layers.Dense(2)(x))
    numbers = np.array([[3], [9], [7]])
    np.testing.assert_array_equal(copy_model(model)(numbers), model(numbers))


class Trained(keras.Model):
    def train_step(self, data):
        return {"own": 1.0}


class Prepared(Trained):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.count = 0


def test_a_model_with_a_training_of_its_own_keeps_it_or_says_so():
    plain = around()
    model = Trained(plain.input, plain.output)
    assert type(tfprune.rebuild(tfprune.analyse(model), KEEP)) is Trained
    graph = tfprune.analyse(Prepared(plain.input, plain.output))
    with pytest.warns(UserWarning, match="Prepared has an __init__ of its own.*its train_step"):
        small = tfprune.rebuild(graph, KEEP)
    assert isinstance(small, keras.Model)
    assert not isinstance(small, Prepared)


@pytest.mark.filterwarnings("ignore:`build[(][)]` was called on layer")
def test_weights_that_the_first_call_makes_are_refused():
    @keras.saving.register_keras_serializable("copies")
    class Lazy(layers.Layer):
        state_size = 3

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.mix = layers.Dense(3)

        def call(self, x, states):
            return self.mix(x), states

    series = keras.Input((4, 2))
    x = layers.RNN(Lazy(), name="steps")(series)
    model = keras.Model(series, layers.Dense(2)(layers.Dense(4)(x)))
    with pytest.raises(PruningError, match="'steps' .* 2 weights, its copy 0 .* in `build`"):
        tfprune.prune(model, None, "l1", ratio=0.5)
