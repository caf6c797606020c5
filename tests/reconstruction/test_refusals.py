"""Wrong arguments and unsuitable samples: what is said, and that nothing is changed."""

import re

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.reconstruction.networks import images, pruned, residual, weights
from tests.toy_models import TOYS
from tfprune import PruningError


@pytest.fixture(scope="module")
def case():
    return pruned(residual())


def refused(case, data=None, match="", **options):
    graph, keep, small = case
    before = weights(graph.model), weights(small)
    with pytest.raises(PruningError, match=match):
        tfprune.reconstruct(graph, keep, small, images() if data is None else data, **options)
    assert before == (weights(graph.model), weights(small))


def test_an_unknown_aim(case):
    refused(case, match="Unknown aim of reconstruct 'both'. Valid names: own, sum", aim="both")


@pytest.mark.parametrize("memory", [0, -1.5, "4", None, True])
def test_no_memory(case, memory):
    refused(case, match="memory_gb must be a number above 0, in GB; received", memory_gb=memory)


@pytest.mark.parametrize("data", [[], np.zeros((0, 6, 6, 3), "float32")])
def test_no_data(case, data):
    refused(case, data, match="reconstruct received no batch. Pass at least one")


def test_what_holds_no_batches(case):
    refused(case, 5, match="reconstruct: expected data as .*received int")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan(case, bad):
    data = images().copy()
    data[70, 1, 2, 0] = bad
    refused(case, data, match="inputs hold NaN or infinity. Clean the data")


@pytest.mark.parametrize("shape", [(8, 6, 6, 1), (8, 6, 5, 3), (8, 108), (6, 6, 3)])
def test_samples_of_other_shapes(case, shape):
    refused(case, np.zeros(shape, "float32"), match=r"do not suit 'residual', which takes \[\(6, 6")


def test_samples_of_several_shapes():
    image = keras.Input((None, 3))
    x = layers.Conv1D(4, 1, name="a")(image)
    graph = tfprune.analyse(keras.Model(image, layers.Conv1D(2, 1)(x)))
    keep = {"a": np.array([True, True, False, False])}
    batches = [np.ones((2, 5, 3), "float32"), np.ones((2, 6, 3), "float32")]
    refused((graph, keep, tfprune.rebuild(graph, keep)), batches,
            match=r"must have one shape, received \(\(5, 3\),\) and \(\(6, 3\),\)")  # fmt: skip


def test_inputs_without_a_name():
    p, q = keras.Input((4,), name="p"), keras.Input((4,), name="q")
    x = layers.Dense(4, name="a")(layers.Add()([p, q]))
    graph = tfprune.analyse(keras.Model([p, q], layers.Dense(2)(x)))
    keep = {"a": np.array([True, True, False, False])}
    refused((graph, keep, tfprune.rebuild(graph, keep)), [({"p": np.ones((2, 4))}, None)],
            match=r"expected inputs named \['p', 'q'\], received \['p'\]")  # fmt: skip


def test_masks_of_another_model(case):
    graph, _, small = case
    refused((graph, {"elsewhere": np.ones(3, bool)}, small), match="elsewhere")


def test_masks_that_the_pruned_model_was_not_made_with(case):
    graph, _, small = case
    refused((graph, {}, small), match=r"is not what these keep masks leave of 'residual': expected "
            r".* of shape \(.*\), received \(.*Pass the model that")  # fmt: skip


def test_a_pruned_model_with_other_layers(case):
    graph, keep, _ = case
    other = keras.Sequential([keras.Input((2,)), layers.Dense(2)], name="other")
    refused((graph, keep, other), match="model 'other' is not what these keep masks leave")


def test_no_pruned_model(case):
    graph, keep, _ = case
    with pytest.raises(PruningError, match="expected the pruned keras.Model, received dict"):
        tfprune.reconstruct(graph, keep, {}, images())


def test_weights_that_are_not_finite():
    model = residual()
    graph, keep, _ = pruned(model)
    kernel, bias = model.get_layer("a").get_weights()
    kernel[0] = np.inf
    model.get_layer("a").set_weights([kernel, bias])
    said = "what layer 'a' reads or makes is not finite.*Check the model's weights"
    refused((graph, keep, tfprune.rebuild(graph, keep)), match=said)


def test_a_layer_with_a_state():
    toy = TOYS["stateful"]()
    graph = tfprune.analyse(toy.model)
    said = "layer 'rnn' hands its state from one batch to the next.*stateful=False"
    data = np.ones((8, 4, 3), "float32")
    refused((graph, {}, tfprune.rebuild(graph, {})), data, match=said)


def fixed():
    image = keras.Input(batch_shape=(4, 3))
    x = layers.Dense(4, name="a")(image)
    x = keras.ops.reshape(layers.ReLU()(x), (4, 2, 2))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    keep = {}
    graph = tfprune.analyse(model)
    return graph, keep, tfprune.rebuild(graph, keep)


def test_a_model_of_a_fixed_number_of_samples():
    graph, keep, small = fixed()
    small.get_layer("a").kernel.assign(small.get_layer("a").kernel * 0.5)
    data = np.random.default_rng(0).normal(size=(43, 3)).astype("float32")
    _, found = tfprune.reconstruct(graph, keep, small, [data])
    assert found.samples == 40
    assert found.after < 1e-6 < found.before


def test_fewer_samples_than_the_model_takes():
    refused(fixed(), np.ones((3, 3), "float32"), match="takes 4 samples at a time, received 3")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x, None),
        (lambda x: x * 255, "their variance .* times theirs; scale them as in training"),
        (lambda x: x / 255, "their variance .* times theirs"),
        (lambda x: x + 20, "their mean is .* deviations from the statistics"),
    ],
)
def test_samples_scaled_unlike_the_training(change, said):
    model = residual()
    maps = keras.Model(model.input, model.get_layer("stem").output)(images())
    norm = model.get_layer("stem_bn")
    norm.moving_mean.assign(np.asarray(maps).mean((0, 1, 2)))
    norm.moving_variance.assign(np.asarray(maps).var((0, 1, 2)))
    graph, keep, small = pruned(model)
    _, found = tfprune.reconstruct(graph, keep, small, change(images()))
    about = [line for line in found.observations if "unlike the training's" in line]
    assert len(about) == (said is not None)
    for line in about:
        assert "at 'stem_bn'" in line
        assert re.search(said, line)


def test_too_few_samples(case):
    """The remark's number is one with which it is not said any more."""
    graph, keep, small = case
    _, found = tfprune.reconstruct(graph, keep, small, images()[:3])
    (said,) = [line for line in found.observations if "fewer than two positions per column" in line]
    assert "3 were given" in said
    need = int(said.rpartition(": ")[2].split()[0])
    assert 3 < need <= 80
    _, found = tfprune.reconstruct(graph, keep, small, images()[:need])
    assert not any("per column" in line for line in found.observations)
    _, found = tfprune.reconstruct(graph, keep, small, images()[: need - 1])
    assert any("per column" in line for line in found.observations)


def test_one_sample_is_no_error(case):
    graph, keep, small = case
    _, found = tfprune.reconstruct(graph, keep, small, images()[:1])
    assert found.samples == 1
    assert np.isfinite([found.before, found.after]).all()


@pytest.mark.parametrize(("name", "layer"), [("low_rank_adapted", "a"), ("quantized", "a")])
def test_adapted_and_quantised_layers_are_left_as_they_are(name, layer):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model)
    small = tfprune.rebuild(graph, {})
    data = np.random.default_rng(0).normal(size=(40, *toy.model.inputs[0].shape[1:]))
    _, found = tfprune.reconstruct(graph, {}, small, data.astype("float32"))
    assert layer not in [fit.layer for fit in found.layers]
