"""The look-up: names, defaults, options and refusals; and what holds for every network."""

import keras
import numpy as np
import pytest

import models


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 2)])
@pytest.mark.parametrize("name", ["resnet20", "resnet20_a", "resnet20_gfi", "densenet40"])
def test_networks_with_global_pooling_fit_small_images(name, shape):
    model = models.build(name, num_classes=7, input_shape=shape)
    assert model.input.shape == (None, *shape)
    assert model.output.shape == (None, 7)


def test_the_outputs_are_logits_unless_an_activation_is_named():
    images = np.random.default_rng(1).normal(size=(2, 8, 8, 1))
    plain = models.build("resnet20", input_shape=(8, 8, 1))
    softmax = models.build("resnet20", input_shape=(8, 8, 1), classifier_activation="softmax")
    assert plain.layers[-1].activation is keras.activations.linear
    assert np.ptp(np.sum(plain(images), axis=-1)) > 1e-3
    np.testing.assert_allclose(np.sum(softmax(images), axis=-1), 1, atol=1e-5)
    assert len(plain.weights) == len(softmax.weights)


def test_batch_norm_options_reach_every_layer():
    model = models.build("resnet20", input_shape=(8, 8, 1), bn_momentum=0.99, bn_epsilon=1e-3)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 19
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.99, 1e-3)}


def test_batch_norm_has_the_papers_constants_by_default():
    norm = models.build("resnet20", input_shape=(8, 8, 1)).get_layer("stem_bn")
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)


def test_seeds_repeat_the_weights_and_layers_differ():
    keras.utils.set_random_seed(3)
    first = models.build("resnet20_a", input_shape=(8, 8, 1))
    keras.utils.set_random_seed(3)
    second = models.build("resnet20_a", input_shape=(8, 8, 1))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = [first.get_layer(f"stage1_block1_conv{i}").kernel.numpy() for i in (1, 2)]
    assert np.abs(kernels[0] - kernels[1]).min() > 0


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'resnet21'\. Did you mean 'resnet20'\?.*densenet40, "):
        models.build("resnet21")


def test_an_unknown_option_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'resnet20' has no option 'width'.*\(none\).*num_cl"):
        models.build("resnet20", width=2)
    with pytest.raises(ValueError, match=r"'vgg16' has no option 'width'.*family: batch_norm;"):
        models.build("vgg16", width=2)


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match=r"'vgg16'.*at least 32x32, received 8x9.*'resnet20'"):
        models.build("vgg16", input_shape=(8, 9, 1))


@pytest.mark.parametrize("shape", [(32, 32), (32, None, 3), (32, 32, 0)])
def test_shapes_are_checked(shape):
    with pytest.raises(ValueError, match=r"three positive integers .*received \(32, "):
        models.build("resnet20", input_shape=shape)


def test_classes_are_checked():
    with pytest.raises(ValueError, match=r"num_classes: expected at least 1, received 0"):
        models.build("resnet20", num_classes=0)
