"""What cannot be opened is refused with the layer and the line, and nothing is changed."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.graph.opening import nets


def with_layer(layer):
    image = keras.Input((6,))
    x = layer(layers.Dense(6, name="before")(image))
    return keras.Model(image, layers.Dense(2, name="after")(x))


class Own(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(6)

    def build(self, shape):
        self.dense.build(shape)
        super().build(shape)


class ByData(Own):
    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        if ops.sum(x) > 0:
            return self.dense(x)
        return x


class Counts(Own):
    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        super().build(shape)

    def call(self, x):
        self.count.assign(self.count + 1.0)
        return self.dense(x)


class Remembers(Own):
    times = 0

    def call(self, x):
        self.times = self.times + 1
        return self.dense(x)


class Draws(Own):
    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return self.dense(x) + keras.random.normal((6,))


class Reads(Own):
    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return self.dense(x) * np.abs(np.asarray(self.dense.bias)).sum()


class Loops(Own):
    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return ops.while_loop(lambda y: ops.sum(y) < 0, lambda y: (self.dense(y),), (x,))[0]


class Chooses(Own):
    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return ops.cond(ops.sum(x) > 0, lambda: self.dense(x), lambda: x)


class Scaled(Own):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator(1)

    def compute_output_shape(self, shape):
        return shape

    def call(self, x, training=None):
        y = self.dense(x)
        return y * 2 if training else y


REFUSED = {
    ByData: r"Layer 'own' \(ByData\) .* \(test_refusals.py, line \d+: 'if ops.sum\(x\) > 0:'\)",
    Counts: r"Layer 'own' \(Counts\) .*'self.count.assign\(self.count \+ 1.0\)'",
    Remembers: r"Layer 'own' \(Remembers\) .* sets the attribute 'times'.*'self.times = ",
    Draws: r"Layer 'own' \(Draws\) .* draws random numbers.*keras.random.normal",
    Reads: r"Layer 'own' \(Reads\) .* reads the numbers of a weight \(.*bias\)",
}

for _kind, _name in ((Loops, "WhileLoop"), (Chooses, "Cond")):
    REFUSED[_kind] = rf"Layer 'own' \({_kind.__name__}\) .* runs code of its own within {_name}"


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_traced_is_refused_with_the_line(kind):
    model = with_layer(kind(name="own"))
    with pytest.raises(tfprune.PruningError, match=REFUSED[kind]):
        tfprune.open_up(model)


@pytest.mark.parametrize("kind", REFUSED)
def test_an_analysis_leaves_it_whole_and_says_why(kind):
    model = with_layer(kind(name="own"))
    graph = tfprune.analyse(model)
    assert f"{kind.__name__} has no rule, and cannot be opened: " in str(graph)
    assert not graph.free("before").any()


def test_a_call_that_computes_another_thing_in_training_is_refused():
    model = with_layer(Scaled(name="own"))
    with pytest.raises(tfprune.PruningError, match=r"Calls that branch on training: own\."):
        tfprune.open_up(model)


class Steps(Own):
    """Goes step by step, so that a trace goes as often as its own length says."""

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        states = [self.dense(x[:, 0])]
        for t in range(1, x.shape[1]):
            states.append(states[-1] + x[:, t])
        return ops.stack(states, 1)


@pytest.fixture
def stepping():
    text = keras.Input((None, 6))
    x = nets.Linear(6, name="well")(layers.Dense(6, name="before")(text))
    x = Steps(name="own")(x)
    return keras.Model(text, nets.Linear(2, name="after")(x))


def test_a_layer_that_holds_for_one_length_alone_is_refused_with_its_line(stepping):
    message = (
        r"Layer 'own' \(Steps\) cannot be opened: its call \(test_refusals.py, line \d+: 'def call"
    )
    with pytest.raises(tfprune.PruningError, match=message):
        tfprune.open_up(stepping)


def test_an_analysis_opens_the_rest_beside_it(stepping):
    graph = tfprune.analyse(stepping)
    assert [type(x) for x in graph.model.layers if x.name == "own"] == [Steps]
    assert {"well.w", "after.w"} <= {x.name for x in graph.model.layers}
    assert "Steps has no rule, and cannot be opened: " in str(graph)


def test_named_layers_are_left_whole():
    model = with_layer(nets.Linear(6, name="own"))
    kept = tfprune.open_up(model, keep=["ow*"])
    assert type(kept.get_layer("own")) is nets.Linear
    opened = tfprune.open_up(model)
    assert isinstance(opened.get_layer("own.w"), layers.Dense)
    assert "own.b" in [x.name for x in opened.layers]
    with pytest.raises(tfprune.PruningError, match="pattern 'other' matches no composite layer"):
        tfprune.open_up(model, keep=["other"])


def test_a_model_that_was_not_called_is_refused():
    with pytest.raises(tfprune.PruningError, match=r"\(Residual\) was not called yet"):
        tfprune.open_up(nets.Residual())


def test_keras_is_itself_again_after_a_refusal():
    call, value = keras.Layer.__call__, keras.Variable.value
    product = keras.Variable.__matmul__
    with pytest.raises(tfprune.PruningError, match=REFUSED[Remembers]):
        tfprune.open_up(with_layer(Remembers(name="own")))
    assert keras.Layer.__call__ is call
    assert keras.Variable.value is value
    assert keras.Variable.__matmul__ is product
    assert keras.config.is_traceback_filtering_enabled()
    assert np.asarray(ops.arange(3)).tolist() == [0, 1, 2]


def test_the_model_is_not_touched():
    model = nets.built(nets.Residual)
    known = {name: set(vars(x)) for name, x in ((x.name, x) for x in model._flatten_layers())}
    tfprune.open_up(model)
    for layer in model._flatten_layers():
        assert set(vars(layer)) == known[layer.name]
        assert not layer._inbound_nodes
        assert not layer._outbound_nodes


class Waves(Own):
    def call(self, x):
        return self.dense(ops.fft2((x, ops.zeros_like(x)))[0])


def test_an_operation_that_must_know_a_size_is_refused_and_left_whole():
    tokens = keras.Input((None, 6))
    x = layers.Dense(6, name="before")(tokens)
    model = keras.Model(tokens, layers.Dense(2)(Waves(name="own")(x)))
    with pytest.raises(tfprune.PruningError, match=r"no open size \(.*Pass inputs=keras.Input"):
        tfprune.open_up(model)
    assert "Waves has no rule, and cannot be opened: " in str(tfprune.analyse(model))
    opened = tfprune.open_up(model, keras.Input((4, 6)))
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
    np.testing.assert_allclose(opened(x), model(x), rtol=1e-5, atol=1e-5)


class Notes(Own):
    """Leaves what it computed for its user, as attention does with its scores."""

    def call(self, x):
        self.last = self.dense(x)
        self.both = {"in": x, "out": self.last}
        return ops.tanh(self.last)


class Averages(Own):
    """Reads what the call before left there."""

    last = 0.0

    def call(self, x):
        before, self.last = self.last, ops.mean(x)
        return self.dense(x) * before


def test_tensors_that_a_call_leaves_as_attributes_are_no_state():
    model = with_layer(Notes(name="own"))
    inputs = np.ones((2, 6), "float32")
    model(inputs)
    left = model.get_layer("own").last
    graph = tfprune.analyse(model)
    assert graph.free("own.dense").all()
    np.testing.assert_allclose(graph.model(inputs), model(inputs), rtol=1e-5)
    assert np.shape(left) == (2, 6)


class Around(keras.Model):
    def __init__(self):
        super().__init__()
        self.own, self.after = Averages(), layers.Dense(2)

    def build(self, shape):  # else Keras leaves a tensor of its own there
        self.own.build(shape)
        self.after.build(shape)
        super().build(shape)

    def call(self, x):
        return self.after(self.own(x))


def test_what_the_next_call_reads_is_a_state():
    model = Around()
    for _ in range(2):
        model(np.ones((2, 6), "float32"))
    with pytest.raises(tfprune.PruningError, match="expected outputs equal to the original's"):
        tfprune.open_up(model)


class Lists(Own):
    """Notes what it computed in a list and a dictionary of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen, self.named = [], {}

    def call(self, x):
        y = self.dense(x)
        self.seen.append(y)
        self.named["y"] = y
        return y


def test_a_list_that_a_call_notes_in_gets_no_symbolic_tensor():
    model = with_layer(Lists(name="own"))
    graph = tfprune.analyse(model)
    assert graph.free("own.dense").all()
    own = model.get_layer("own")
    assert not any(isinstance(x, keras.KerasTensor) for x in [*own.seen, *own.named.values()])
