"""The look-up: defaults, options and refusals."""

import keras
import numpy as np
import pytest

import models

SMALL = {"input_shape": (8, 8, 1)}


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 2)])
@pytest.mark.parametrize("name", ["resnet20", "resnet20_a", "resnet20_gfi", "densenet40"])
def test_networks_with_global_pooling_fit_small_images(name, shape):
    model = models.build(name, num_classes=7, input_shape=shape)
    assert model.input.shape == (None, *shape)
    assert model.output.shape == (None, 7)


def test_the_defaults_are_the_papers():
    assert models.build("resnet20").input.shape == (None, 32, 32, 3)
    assert models.build("resnet20").output.shape == (None, 10)
    assert models.build("resnet18").input.shape == (None, 224, 224, 3)
    assert models.build("resnet18", input_shape=(32, 32, 3)).output.shape == (None, 1000)


def test_the_outputs_are_logits_unless_an_activation_is_named():
    images = np.random.default_rng(1).normal(size=(2, 8, 8, 1))
    plain = models.build("resnet20", **SMALL)
    softmax = models.build("resnet20", classifier_activation="softmax", **SMALL)
    assert plain.layers[-1].activation is keras.activations.linear
    assert np.ptp(np.sum(plain(images), axis=-1)) > 1e-3
    np.testing.assert_allclose(np.sum(softmax(images), axis=-1), 1, atol=1e-5)
    assert len(plain.weights) == len(softmax.weights)


def test_every_output_of_two_gets_the_activation(short_backbone):
    model = models.build(
        "deeplabv3_resnet50", input_shape=(32, 32, 3), num_classes=2, aux_head=True,
        classifier_activation="softmax",
    )  # fmt: skip
    outputs = model(np.random.default_rng(1).normal(size=(1, 32, 32, 3)))
    for key in ("out", "out_aux"):
        np.testing.assert_allclose(np.sum(outputs[key], axis=-1), 1, atol=1e-5)
    assert model.get_layer("out_probabilities").activation is keras.activations.softmax


def test_batch_norm_options_reach_every_layer():
    options = {"bn_momentum": 0.99, "bn_epsilon": 1e-3, "bn_synchronized": True}
    model = models.build("resnet20", **options, **SMALL)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 19
    assert {(x.momentum, x.epsilon, x.synchronized) for x in norms} == {(0.99, 1e-3, True)}


def test_batch_norm_has_the_papers_constants_by_default():
    norm = models.build("resnet20", **SMALL).get_layer("stem_bn")
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)


@pytest.mark.parametrize("name", ["resnet20_a", "densenet40_24"])  # by name, and by description
def test_seeds_repeat_the_weights_and_layers_differ(name):
    keras.utils.set_random_seed(3)
    first = models.build(name, **SMALL)
    keras.utils.set_random_seed(3)
    second = models.build(name, **SMALL)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = [x for x in first.get_weights() if x.ndim == 4]
    same = [(a, b) for a in kernels for b in kernels if a is not b and a.shape == b.shape]
    assert all(np.abs(a - b).max() > 1e-3 for a, b in same)


def test_an_unknown_option_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'resnet20' has no option 'width'.*\(none\).*num_cl"):
        models.build("resnet20", width=2)
    with pytest.raises(ValueError, match=r"'vgg16' has no option 'width'.*family: batch_norm;"):
        models.build("vgg16", width=2)


@pytest.mark.parametrize("shape", [(32, 32), (32, None, 3), (32, 32, 0)])
def test_shapes_are_checked(shape):
    with pytest.raises(ValueError, match=r"resnet20: expected three positive integers .*\(32, "):
        models.build("resnet20", input_shape=shape)
