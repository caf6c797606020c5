"""What matches, what does not, and what is said about it."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import tfprune
from tests.weights import hostile as h
from tests.weights import keras_twins
from tfprune import weights
from tfprune.errors import PruningError
from tfprune.weights._conversion import sources
from tfprune.weights._matching import match

FIXTURES = Path(__file__).parent / "fixtures"
BASIC = FIXTURES / "resnet_basic.pth"


def basic():
    return keras_twins.build("resnet_basic")[1]


def built(layer, shape):
    layer.build((None, *shape))
    return layer


def naive_conv(tensor):
    outputs, inputs, height, width = tensor.shape
    kernel = np.zeros((height, width, inputs, outputs))
    for o, i, y, x in np.ndindex(tensor.shape):
        kernel[y, x, i, o] = tensor[o, i, y, x]
    return kernel


def naive_depthwise(tensor, multiplier):
    outputs, _, height, width = tensor.shape
    kernel = np.zeros((height, width, outputs // multiplier, multiplier))
    for o, _, y, x in np.ndindex(tensor.shape):
        kernel[y, x, o // multiplier, o % multiplier] = tensor[o, 0, y, x]
    return kernel


def naive_dense_behind_maps(tensor, height, width, channels):
    kernel = np.zeros(tensor.shape[::-1])
    for y, x, c in np.ndindex(height, width, channels):
        theirs, ours = (c * height + y) * width + x, (y * width + x) * channels + c
        kernel[ours] = tensor[:, theirs]
    return kernel


@pytest.mark.parametrize(
    ("layer", "shape", "flattened", "expected"),
    [
        (keras.layers.Conv2D(5, (2, 3)), (8, 8, 4), None, naive_conv),
        (keras.layers.Conv2D(6, 3, groups=2), (8, 8, 4), None, naive_conv),
        (
            keras.layers.DepthwiseConv2D((2, 3), depth_multiplier=2), (8, 8, 3), None,
            lambda t: naive_depthwise(t, 2),
        ),
        (keras.layers.Dense(3), (7,), None, np.transpose),
        (keras.layers.Dense(3), (24,), (2, 3, 4), lambda t: naive_dense_behind_maps(t, 2, 3, 4)),
    ],
)  # fmt: skip
def test_kernels_equal_a_loop_over_their_numbers(layer, shape, flattened, expected):
    kernel, bias = sources(built(layer, shape), flattened)
    tensor = np.arange(np.prod(kernel.shape)).reshape(kernel.shape)
    np.testing.assert_array_equal(kernel.convert(tensor), expected(tensor))
    assert kernel.convert(tensor).shape == tuple(kernel.variable.shape)
    assert (kernel.suffix, bias.suffix, bias.shape) == ("weight", "bias", tuple(layer.bias.shape))


def test_normalisation_takes_its_four_vectors_or_fewer():
    layer = built(keras.layers.BatchNormalization(), (4, 4, 3))
    assert {s.suffix: s.variable.name for s in sources(layer)} == {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    layer = built(keras.layers.BatchNormalization(scale=False, center=False), (4, 4, 3))
    assert [s.suffix for s in sources(layer)] == ["running_mean", "running_var"]


def test_other_kinds_of_layers_have_no_sources():
    assert sources(built(keras.layers.LayerNormalization(), (3,))) is None


def test_a_tensor_of_another_shape_is_refused_with_both(tmp_path):
    model = keras_twins.build("resnet_bottleneck")[1]
    with pytest.raises(PruningError) as caught:
        weights.load(model, BASIC, layout="torchvision_resnet")
    text = str(caught.value)
    assert re.search(r"resnet_basic\.pth does not match the model 'resnet_bottleneck' under", text)
    assert "wrong shape (" in text
    assert "layer1.0.conv1.weight: expected (2, 2, 1, 1) for stage1_block1_1_conv/kernel" in text
    assert "received (2, 2, 3, 3)" in text
    assert "stage1_block1_3_conv/kernel: no tensor 'layer1.0.conv3.weight' of shape (8, 2" in text
    assert "left over (10):\n  layer1.1.conv1.weight (2, 2, 3, 3)" in text
    assert re.search(r"missing \(\d\d\):(\n  .*){10}\n  \.\.\. and \d+ more", text)


def test_strict_false_loads_what_matches_and_leaves_the_rest():
    entry = keras.Input((41, 56, 3))
    x = keras.layers.ZeroPadding2D(3)(entry)
    x = keras.layers.Conv2D(2, 7, 2, use_bias=False, name="stem_conv")(x)
    x = keras.layers.BatchNormalization(name="stem_bn")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(entry, keras.layers.Dense(9, name="classifier")(x), name="other")
    before = model.get_layer("classifier").get_weights()
    with pytest.raises(PruningError, match=r"fc\.bias: expected \(9,\) for classifier/bias"):
        weights.load(model, BASIC, layout="torchvision_resnet")
    loaded, report = weights.load(model, BASIC, layout="torchvision_resnet", strict=False)
    assert set(report.misshapen) == {"fc.weight", "fc.bias"}
    assert not report.missing
    assert "layer1.0.conv1.weight" in report.unused
    assert not report.complete
    for old, new in zip(before, loaded.get_layer("classifier").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    stem = weights.read(BASIC)["conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(loaded.get_layer("stem_conv").get_weights()[0], stem)
    assert re.search(r"left over \(\d+\):(\n  .*){20}", str(report))  # all of them


def test_nothing_that_matches_is_an_error_even_then():
    model = keras_twins.build("hrank_googlenet")[1]
    with pytest.raises(PruningError, match=r"received 0 that match"):
        weights.load(model, FIXTURES / "vgg.pth", layout="hrank_googlenet", strict=False)


def test_tensors_may_be_ignored_by_name_and_the_report_says_so():
    name = "deeplabv3"
    layout, model, images = keras_twins.build(name)
    bare = keras.Model(model.input, model.output["out"], name="bare")
    path = FIXTURES / f"{name}.safetensors"
    with pytest.raises(PruningError, match=r"left over \(7\):\n  aux_classifier\.0\.weight"):
        weights.load(bare, path, layout=layout)
    loaded, report = weights.load(bare, path, layout=layout, ignore=["aux_classifier.*"])
    assert report.complete
    assert report.ignored["aux_classifier.4.bias"] == "as the pattern 'aux_classifier.*' asks"
    assert "ignored (" in str(report)
    whole, _ = weights.load(model, path, layout=layout)
    outputs = whole(images, training=False)["out"]
    np.testing.assert_allclose(loaded(images, training=False), outputs, atol=1e-5)
    with pytest.raises(PruningError, match=r"received 'aux\.\*', which matches none of its \d+, e"):
        weights.load(bare, path, layout=layout, ignore=["aux.*"])
    with pytest.raises(PruningError, match=r"missing .*\n.*tensor 'classifier\.4\.bias' of shape"):
        weights.load(bare, path, layout=layout, ignore=["aux_classifier.*", "classifier.4.bias"])


def test_an_unknown_layout_lists_the_valid_ones():
    with pytest.raises(PruningError, match=r"Unknown layout 'torchvision_resnets'. Did you mean"):
        weights.load(basic(), BASIC, layout="torchvision_resnets")
    assert "_vgg" not in weights.names()


def test_layers_without_a_name_or_a_conversion_are_named():
    entry = keras.Input((4,))
    x = keras.layers.Dense(5, name="extra")(entry)
    x = keras.layers.LayerNormalization(name="odd")(x)
    model = keras.Model(entry, keras.layers.Dense(5, name="classifier")(x))
    with pytest.raises(PruningError) as caught:
        weights.load(model, BASIC, layout="torchvision_resnet")
    assert "extra/kernel: no name for this layer in the layout torchvision_resnet" in str(
        caught.value
    )
    assert "odd/gamma: no conversion for layers of kind LayerNormalization" in str(caught.value)


class SameTwice:
    __name__ = "layouts.same_twice"

    @staticmethod
    def modules(layers):
        return dict.fromkeys(layers, "fc")


def test_a_layout_that_gives_a_tensor_twice_is_refused():
    entry = keras.Input((4,))
    model = keras.Sequential(
        [entry, keras.layers.Dense(4, name="a"), keras.layers.Dense(4, name="b")]
    )
    with pytest.raises(PruningError, match=r"'fc\.weight': expected one layer .*'a' and 'b'"):
        match(model, {}, SameTwice, ())


def test_the_last_layer_of_hrank_resnets_has_two_names():
    model = keras_twins.build("hrank_resnet")[1]
    _, report = weights.load(model, FIXTURES / "hrank_resnet.pth", layout="hrank_resnet")
    assert report.loaded["linear.bias"] == "classifier/bias"
    shapes = {name.replace("linear.", "fc."): s.shape for name, s in
              weights.read(FIXTURES / "hrank_resnet.pth").items()}  # fmt: skip
    report, _ = match(model, shapes, weights.layouts.hrank_resnet, ())
    assert report.complete
    assert report.loaded["fc.bias"] == "classifier/bias"
    # Both names at once: one is left over, not silently dropped.
    both = {**shapes, "linear.bias": (5,), "linear.weight": (5, 64)}
    report, _ = match(model, both, weights.layouts.hrank_resnet, ())
    assert len(report.unused) == 2


def test_bookkeeping_is_ignored_with_a_reason():
    shapes = {name: tensor.shape for name, tensor in weights.read(BASIC).items()}
    shapes |= {"layer1.0.conv1.total_ops": (1,), "total_params": (1,)}
    report, _ = match(basic(), shapes, weights.layouts.torchvision_resnet, ())
    assert report.complete
    assert report.ignored["total_params"] == "left by the FLOP counter thop"
    assert report.ignored["bn1.num_batches_tracked"].startswith("counts training steps")


def test_the_report_as_values_names_every_tensor_once():
    _, report = weights.load(basic(), BASIC, layout="torchvision_resnet")
    values = report.to_json()
    names = [*values["loaded"], *values["ignored"], *values["unused"], *values["misshapen"]]
    assert sorted(names) == sorted(weights.read(BASIC))
    assert values["complete"] is True
    assert values["loaded"]["layer2.0.downsample.1.running_var"] == (
        "stage2_block1_shortcut_bn/moving_variance"
    )


def test_a_loaded_model_is_stock_and_can_be_pruned(tmp_path):
    layout, model, images = keras_twins.build("resnet_basic")
    loaded, _ = weights.load(model, BASIC, layout=layout)
    loaded.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again(images), loaded(images), atol=1e-6)
    small, report = tfprune.prune(loaded, None, "l1", ratio=0.5)
    assert small.count_params() < loaded.count_params()
    assert report.verification


def test_half_precision_becomes_the_precision_of_the_model(tmp_path):
    body = h.dict_of(**{"fc.weight": h.tensor(h.storage("HalfStorage"))})
    half = np.float16([0.5, -2, 3, 4, 5, 6])
    path = h.archive(tmp_path / "a.pth", body, {"0": half.tobytes()})
    entry = keras.Input((3,))
    layer = keras.layers.Dense(2, use_bias=False, name="classifier")
    loaded, _ = weights.load(keras.Model(entry, layer(entry)), path, layout="torchvision_resnet")
    kernel = loaded.get_layer("classifier").kernel
    assert kernel.dtype == "float32"
    np.testing.assert_array_equal(kernel.numpy(), half.reshape(2, 3).T)


def test_weights_of_keras_applications_load_as_they_are(tmp_path):
    how = {"input_shape": (32, 32, 3), "alpha": 0.25, "classes": 4}
    trained = keras.applications.MobileNet(weights=None, **how)
    generator = np.random.default_rng(0)
    trained.set_weights([w + 0.1 * generator.random(w.shape) for w in trained.get_weights()])
    images = generator.standard_normal((2, 32, 32, 3)).astype("float32")
    trained.save_weights(tmp_path / "m.weights.h5")
    loaded = keras.applications.MobileNet(weights=tmp_path / "m.weights.h5", **how)
    np.testing.assert_allclose(loaded(images), trained(images), atol=1e-6)
    assert np.ptp(np.asarray(loaded(images))) > 0.01
    small, _ = tfprune.prune(loaded, None, "l1", ratio=0.25)
    assert small.count_params() < loaded.count_params()
