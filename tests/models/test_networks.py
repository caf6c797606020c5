"""The papers' networks: published counts, and what a user does with any of them."""

import keras
import numpy as np
import pytest

import models
import tfprune
from tests.models import counting
from tests.shapes import shapes_only

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
# Likewise, of the other papers' CIFAR networks (sections 2, 4 and 6).
CIFAR = {
    "vgg16_fmc": (14982474, 14991946, 313463808),
    "densenet40_24": (1040578, 1059298, 282917328),
    "googlenet": (6150442, 6166250, 1521756160),
    "resnet56_a": (848954, 853018, 125485696),
    "resnet110_a": (1719866, 1727962, 252887680),
    "gatevgg16": (14719818, 14728266, 313201664),
    "resnet32_gfi": (463018, 465290, 68862592),
    "mobilenet_v2": (2261834, 2296922, 91154944),
}
# Parameters and MACs of torchvision's (section 5); ResNet-50 v1: section 4.
IMAGENET = {
    "resnet18": (11689512, 1814073344),
    "resnet34": (21797672, 3663761408),
    "resnet50": (25557032, 4089184256),
    "resnet50_v1": (25557032, 3857973248),
    "resnet101": (44549160, 7801405440),
    "resnet152": (60192808, 11513626624),
    "vgg11_imagenet": (132863336, 7609090048),
    "vgg11_bn_imagenet": (132868840, 7609090048),
    "vgg13_imagenet": (133047848, 11308466176),
    "vgg13_bn_imagenet": (133053736, 11308466176),
    "vgg16_imagenet": (138357544, 15470264320),
    "vgg16_bn_imagenet": (138365992, 15470264320),
    "vgg19_imagenet": (143667240, 19632062464),
    "vgg19_bn_imagenet": (143678248, 19632062464),
}
# Without and with the auxiliary head (section 5 prints those without to three decimals of G).
DEEPLAB = {
    "deeplabv3_resnet50": ((39638869, 168731205888), (42004074, 178721945088)),
    "deeplabv3_resnet101": ((58630997, 248752300288), (60996202, 258743039488)),
}
# Depths that no paper counts, against the layer tables.
FURTHER = [
    *(f"vgg{depth}" for depth in (11, 13, 19)),
    *(f"vgg{depth}_fmc" for depth in (11, 13, 19)),
    *(f"gatevgg{depth}" for depth in (11, 13, 19)),
    *(f"vgg{depth}_gfi" for depth in (11, 13, 16, 19)),
    *(f"resnet{depth}_a" for depth in (20, 32, 44)),
    *(f"resnet{depth}_gfi" for depth in (20, 44, 56, 110)),
    "resnet101_v1",
    pytest.param("resnet152_v1", marks=pytest.mark.slow),
]


def shapes_of(name, **options):
    """A network whose weights have shapes and no values: an ImageNet VGG takes half a gigabyte."""
    with shapes_only():
        return models.build(name, **options)


def test_every_network_is_counted_here():
    further = {getattr(name, "values", [name])[0] for name in FURTHER}
    assert {*LI, *CIFAR, *IMAGENET, *DEEPLAB, *further, "deeplab_tiny"} == set(models.names())


@pytest.mark.parametrize("name", [*LI, *CIFAR])
def test_counts_equal_the_published_ones(name):
    bare, whole, macs = (LI | CIFAR)[name]
    model = shapes_of(name)
    assert tfprune.cost(model, "li").params == bare
    assert tfprune.cost(model).params == whole
    assert tfprune.cost(model).macs == macs
    assert counting.naive(model) == (whole, macs)
    assert model.name == name


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet_networks_equal_torchvision(name):
    assert counting.naive(shapes_of(name)) == IMAGENET[name]


@pytest.mark.parametrize("aux_head", [False, True])
@pytest.mark.parametrize("name", DEEPLAB)
def test_deeplab_equals_torchvision(name, aux_head):
    model = shapes_of(name, aux_head=aux_head)
    assert counting.naive(model) == DEEPLAB[name][aux_head]
    outputs = model.output if aux_head else {"out": model.output}
    assert {x.shape for x in outputs.values()} == {(None, 520, 520, 21)}


def test_the_small_deeplab_trains_without_a_gpu():
    """Under a million parameters, also with the auxiliary head; the first output is judged."""
    model = models.build("deeplab_tiny", aux_head=True)
    assert counting.naive(models.build("deeplab_tiny")) == (975387, 1333793792)
    assert counting.naive(model)[0] < 1e6
    assert model.output["out"] is model.outputs[0]
    assert model.output["out"].shape == (None, 240, 320, 11)


@pytest.mark.parametrize("name", FURTHER)
def test_further_depths_equal_the_layer_tables(name):
    assert counting.naive(shapes_of(name)) == counting.table(name)


@pytest.mark.parametrize("name", ["resnet56_a", "resnet32_gfi", "vgg16_gfi", "gatevgg16"])
def test_the_layer_tables_equal_the_published_counts(name):
    expected = {**CIFAR, "vgg16_gfi": (0, 15253578, 313725952)}
    assert counting.table(name) == expected[name][1:]


def test_vgg_without_batch_norm():
    with_norm, without = (models.build("vgg11", batch_norm=norm) for norm in (True, False))
    assert not [x for x in without.layers if isinstance(x, keras.layers.BatchNormalization)]
    widths = 64 + 128 + 2 * 256 + 4 * 512 + 512
    assert with_norm.count_params() - without.count_params() == 4 * widths


@pytest.mark.parametrize("name", ["resnet20", "densenet40"])
def test_networks_take_the_digits(name):
    model = models.build(name, input_shape=(8, 8, 1))
    assert model(np.zeros((2, 8, 8, 1), "float32")).shape == (2, 10)


SAVED = """vgg16 vgg11_fmc gatevgg11 vgg11_gfi resnet20 resnet20_a resnet20_gfi resnet18 densenet40
densenet40_24 googlenet mobilenet_v2""".split()


@pytest.mark.parametrize("name", SAVED)
def test_saving_changes_nothing(name, tmp_path):
    shape = (32, 32, 3)
    model = models.build(name, num_classes=7, input_shape=shape, classifier_activation="softmax")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(0).standard_normal((2, *shape)).astype("float32")
    first, second = np.asarray(model(image)), np.asarray(again(image))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.sum(1), 1, rtol=1e-5)
    assert first.std() > 0
    assert not automatic(layer.name for layer in model.layers)


def test_saving_changes_nothing_with_two_outputs(tmp_path, short_backbone):
    model = models.build(
        "deeplabv3_resnet50", num_classes=3, input_shape=(33, 41, 3), aux_head=True
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(0).standard_normal((1, 33, 41, 3)).astype("float32")
    first, second = model(image), again(image)
    for key in ("out", "out_aux"):
        assert first[key].shape == (1, 33, 41, 3)
        np.testing.assert_array_equal(np.asarray(first[key]), np.asarray(second[key]))
        assert np.std(first[key]) > 0
    assert not automatic(layer.name for layer in model.layers)


def test_layers_have_names_of_their_own():
    names = [layer.name for layer in models.build("resnet20").layers]
    assert not automatic(names)
    assert "stage2_block1_shortcut" in names


def automatic(names):
    """The names that Keras makes up, from the class and a counter."""
    kinds = """conv2d depthwise re_lu batch_norm add concatenate input max_pooling average_pooling
    global zero flatten_ dropout activation""".split()
    own = ("flatten_dropout",)
    return [name for name in names if name.startswith(tuple(kinds)) and name not in own]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: models.build("resnet21"),
            "Unknown network 'resnet21'. Valid names: deeplab.*, densenet40, ",
        ),
        (lambda: models.build("vgg16", input_shape=(8, 8, 1)), "at least 32x32 pixels; received"),
        (lambda: models.build("resnet20", num_classes=0), "at least 1, received 0"),
    ],
)
def test_unknown_networks_and_sizes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
