"""The papers' networks: published counts, and what a user does with any of them."""

import keras
import numpy as np
import pytest

import models
import tfprune

# Parameters without and with BatchNormalization, and MACs (architectures.md, section 3).
LI = {
    "vgg16": (14982474, 14991946, 313463808),
    "resnet20": (271690, 273066, 40813184),
    "resnet32": (465674, 467946, 69124736),
    "resnet44": (659658, 662826, 97436288),
    "resnet56": (853642, 857706, 125747840),
    "resnet110": (1726570, 1734666, 253149824),
    "densenet40": (1001626, 1019722, 264812928),
}


def test_every_network_is_counted_here():
    assert set(models.names()) == set(LI)


@pytest.mark.parametrize("name", LI)
def test_counts_equal_the_published_ones(name):
    bare, whole, macs = LI[name]
    model = models.build(name)
    assert tfprune.cost(model, "li").params == bare
    assert tfprune.cost(model).params == whole
    assert tfprune.cost(model).macs == macs
    assert model.name == name


@pytest.mark.parametrize("name", LI)
def test_convolutions_counted_naively(name):
    """Layer by layer from the shapes, without the graph."""
    total = 0
    for layer in models.build(name).layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            positions = np.prod(layer.output.shape[1:-1], dtype=int)
            total += int(positions) * int(np.prod(layer.kernel.shape))
    assert total == LI[name][2]


@pytest.mark.parametrize("name", ["resnet20", "densenet40"])
def test_networks_take_the_digits(name):
    model = models.build(name, input_shape=(8, 8, 1))
    assert model(np.zeros((2, 8, 8, 1), "float32")).shape == (2, 10)


@pytest.mark.parametrize("name", ["vgg16", "resnet20", "densenet40"])
def test_saving_changes_nothing(name, tmp_path):
    model = models.build(name, num_classes=7, classifier_activation="softmax")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype("float32")
    first, second = np.asarray(model(image)), np.asarray(again(image))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.sum(1), 1, rtol=1e-5)
    assert first.std() > 0


def test_layers_have_names_of_their_own():
    names = [layer.name for layer in models.build("resnet20").layers]
    assert not [name for name in names if name.startswith(("conv2d", "re_lu", "batch_norm"))]
    assert "stage2_block1_shortcut" in names


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.build("resnet21"), "Unknown network 'resnet21'. Valid names: densenet40, "),
        (lambda: models.build("vgg16", input_shape=(8, 8, 1)), "at least 32x32 pixels; received"),
        (lambda: models.build("resnet20", num_classes=0), "at least 1, received 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
