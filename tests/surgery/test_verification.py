"""What verify measures, and when it refuses."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfprune
from tests.abilities import require_channels_first
from tfprune import PruningError
from tfprune.surgery.masked import MaskedBuilder
from tfprune.surgery.masks import kept_ids


def net(norm=None, dtype=None):
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="conv", bias_initializer="ones", dtype=dtype)(image)
    x = norm(x) if norm else x
    x = layers.Conv2D(4, 3, name="next", dtype=dtype)(layers.ReLU(dtype=dtype)(x))
    return keras.Model(image, layers.GlobalAveragePooling2D(dtype="float32")(x))


KEEP = {"conv": np.array([True, False] * 4)}


def by_hand(model, keep, inputs):
    """Outputs of a copy whose second convolution reads zeros where the first's channels go."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel, bias = copy.get_layer("next").get_weights()
    kernel[:, :, ~keep["conv"]] = 0
    copy.get_layer("next").set_weights([kernel, bias])
    return np.array(copy(inputs))


def test_the_difference_is_that_to_the_masked_original_made_by_hand():
    model = net()
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    inputs = np.random.default_rng(3).standard_normal((5, 6, 6, 3)).astype("float32")
    small.get_layer("next").bias.assign_add([0.0, 0.5, 0, 0])
    check = tfprune.verify(graph, KEEP, small, inputs=inputs, tolerance=10)
    masked = by_hand(model, KEEP, inputs)
    assert check.difference == pytest.approx(np.abs(masked - np.array(small(inputs))).max())
    assert check.difference == pytest.approx(0.5, rel=1e-5)
    assert check.scale == pytest.approx(np.abs(masked - masked.mean(0)).max())
    effect = np.abs(masked - np.array(model(inputs))).max()
    assert check.effect == pytest.approx(effect / check.scale, rel=1e-4)


def test_equal_models_are_exact():
    graph = tfprune.analyse(net())
    check = tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP))
    assert check.exact
    assert check.relative < 1e-6
    assert str(check).startswith("rebuilt and masked model are equal: largest difference")


def test_another_model_is_refused():
    graph = tfprune.analyse(net())
    small = tfprune.rebuild(graph, KEEP)
    small.get_layer("next").kernel.assign_add(np.full((3, 3, 4, 4), 0.01))
    with pytest.raises(PruningError, match="at most 1e-05 of the outputs' scale, received"):
        tfprune.verify(graph, KEEP, small)


def test_other_masks_than_the_model_s_are_refused():
    graph = tfprune.analyse(net())
    small = tfprune.rebuild(graph, {"conv": ~KEEP["conv"]})
    with pytest.raises(PruningError, match="keep masks are not those the model was rebuilt with"):
        tfprune.verify(graph, KEEP, small)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("value", "told"), [(0.0, "0.0"), (np.inf, "(nan|inf)")])
def test_outputs_that_prove_nothing_are_refused(value, told):
    model = net()
    model.get_layer("next").set_weights([np.full((3, 3, 8, 4), value), np.zeros(4)])
    graph = tfprune.analyse(model)
    with pytest.raises(
        PruningError, match=f"proves nothing: output 0 of the masked original is at most {told}"
    ):
        tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP))


def test_a_mask_without_effect_is_told():
    model = net()
    kernel, bias = model.get_layer("next").get_weights()
    kernel[:, :, ~KEEP["conv"]] = 0
    model.get_layer("next").set_weights([kernel, bias])
    graph = tfprune.analyse(model)
    check = tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP))
    assert check.exact
    assert not check.changed
    assert not check.proven
    assert "this is no proof: pruning changed no output" in str(check)


def test_inexact_pruning_is_reported_not_refused():
    graph = tfprune.analyse(net(layers.LayerNormalization()), allow_inexact=True)
    check = tfprune.verify(graph, KEEP, tfprune.rebuild(graph, KEEP))
    assert not check.exact
    assert len(check.inexact) == 1
    assert "LayerNormalization takes its statistics over the channels" in check.inexact[0]
    assert "expected:" in str(check)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_models_are_compared_in_float32(policy):
    model = net(dtype=policy)
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, KEEP)
    assert small.get_layer("conv").dtype_policy.name == policy
    assert tfprune.verify(graph, KEEP, small).relative < 1e-6


@pytest.mark.parametrize("width", [5, 6])
def test_a_bias_that_keras_adds_to_columns_is_not_blamed_on_a_rule(width):
    require_channels_first()
    image = keras.Input((3, 4, width))
    x = layers.Conv2D(
        5, 1, data_format="channels_first", bias_initializer="random_normal", name="first"
    )(image)
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    graph = tfprune.analyse(model)
    keep = {"first": np.array([True, False, True, True, False])}
    small = tfprune.rebuild(graph, keep)
    if width == 6:
        assert tfprune.verify(graph, keep, small).proven
    else:
        with pytest.raises(PruningError, match="Keras is wrong here, .* layers first have as many"):
            tfprune.verify(graph, keep, small)


def written(x):
    options = {"bias_axes": "de", "bias_initializer": "random_normal", "name": "heads"}
    heads = layers.EinsumDense("abc,cde->abde", (None, 5, 1), **options)(x)
    return layers.EinsumDense("abde,def->abf", (None, 3))(heads)


def stock(x):
    return layers.MultiHeadAttention(5, 1, bias_initializer="random_normal", name="heads")(x, x)


@pytest.mark.parametrize("length", [3, 4, 5, None])
@pytest.mark.parametrize(("attend", "name"), [(written, "heads"), (stock, "heads/heads")])
def test_a_bias_that_keras_adds_to_places_is_not_blamed_on_a_rule(attend, name, length):
    text = keras.Input((length, 6))
    graph = tfprune.analyse(keras.Model(text, attend(text)))
    keep = {name: np.array([True, True, False, True, True])}
    small = tfprune.rebuild(graph, keep)
    if length in (4, 5):
        with pytest.raises(PruningError, match="Keras is wrong here, .* layers heads have as many"):
            tfprune.verify(graph, keep, small)
    else:
        assert tfprune.verify(graph, keep, small).proven


@pytest.mark.parametrize("samples", [None, 4, 6])
def test_samples_that_keras_takes_for_rows_are_not_blamed_on_a_rule(samples):
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(2, 1, name="conv")(image)
    x = ops.add(x, ops.max(x, (1, 2, 3), keepdims=True))  # [n, 1, 1, 1]: a bias of the rows
    model = keras.Model(image, layers.Dense(2)(ops.exp(x)))
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, keep := {"conv": np.array([False, True])})
    inputs = samples and np.random.default_rng(0).normal(size=(samples, 4, 4, 3))
    assert tfprune.verify(graph, keep, small, inputs=inputs).proven


def two_headed():
    """A convolution read by a big output and by one a million times smaller."""
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, name="conv")(image)
    outputs = [layers.Conv2D(2, 1, name=name)(x) for name in ("big", "small")]
    model = keras.Model(image, outputs)
    for name, size in (("big", 1e6), ("small", 1.0)):
        layer = model.get_layer(name)
        layer.kernel.assign(layer.kernel * size)
    return model


TWO = {"conv": np.array([True, True, False, True])}


def test_every_output_counts_by_its_own_scale():
    graph = tfprune.analyse(two_headed())
    small = tfprune.rebuild(graph, TWO)
    assert tfprune.verify(graph, TWO, small).exact
    small.get_layer("small").bias.assign_add([0.5, 0])
    with pytest.raises(PruningError, match="Verification failed"):
        tfprune.verify(graph, TWO, small)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_no_output_hides_behind_another(value):
    model = two_headed()
    model.get_layer("small").kernel.assign(np.full((1, 1, 4, 2), value))
    graph = tfprune.analyse(model)
    with pytest.raises(PruningError, match="proves nothing: output 1"):
        tfprune.verify(graph, TWO, tfprune.rebuild(graph, TWO))


def test_a_model_of_other_outputs_is_refused():
    model = two_headed()
    other = keras.Model(model.input, model.outputs[0])
    with pytest.raises(PruningError, match="expected outputs of shapes .* received"):
        tfprune.verify(tfprune.analyse(model), TWO, other)


def test_a_model_with_a_call_of_its_own_is_refused():
    class Shifted(keras.Model):
        def call(self, inputs, training=None):
            return super().call(inputs) + 1

    image = keras.Input((3,))
    with pytest.raises(PruningError, match="subclassed model .Shifted."):
        tfprune.analyse(Shifted(image, layers.Dense(2)(image)), open_layers=False)


def test_the_masked_original_differs_in_what_reads_removed_channels_and_in_nothing_else():
    graph = tfprune.analyse(net(layers.BatchNormalization(name="norm")))
    masked = MaskedBuilder(graph, kept_ids(graph, KEEP)).build()
    for layer, copy in zip(graph.model.layers, masked.layers, strict=True):
        expected = layer.get_weights()
        if layer.name == "next":
            expected[0][:, :, ~KEEP["conv"]] = 0
        for one, other in zip(expected, copy.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=layer.name)
