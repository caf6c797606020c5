"""Padding, shortcuts and resizing against naive references in PyTorch's terms."""

import keras
import numpy as np
import pytest

import models
from models._blocks import PYTORCH_UNIFORM, Blocks, whole_map_average
from models.resnet_cifar import max_pool_and_pad, subsample_and_pad


def run(make, x):
    """The outputs, and the weights, of the layers that `make` puts on an input."""
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, make(inputs))
    return np.asarray(model(x)), model.get_weights()


def naive_convolution(x, kernel, strides):
    """A convolution with size // 2 zeros on each side, one output at a time."""
    size = kernel.shape[0]
    padded = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    height, width = ((n + 2 * (size // 2) - size) // strides + 1 for n in x.shape[1:3])
    out = np.zeros((len(x), height, width, kernel.shape[-1]))
    for row in range(height):
        for column in range(width):
            top, left = row * strides, column * strides
            patch = padded[:, top : top + size, left : left + size]
            out[:, row, column] = np.tensordot(patch, kernel, 3)
    return out


@pytest.fixture
def images():
    return np.random.default_rng(5).normal(size=(2, 8, 7, 4)).astype("float32")


@pytest.mark.parametrize(("size", "strides"), [(3, 1), (3, 2), (7, 2), (1, 2)])
def test_symmetric_convolutions_pad_as_pytorch_does(images, size, strides):
    def make(x):
        return Blocks(symmetric=True).conv(x, 5, size, name="conv", strides=strides)

    out, (kernel,) = run(make, images)
    np.testing.assert_allclose(out, naive_convolution(images, kernel, strides), atol=1e-5)


def test_same_padding_sees_another_part_of_the_image(images):
    def make(x):
        return Blocks(symmetric=False).conv(x, 5, 3, name="conv", strides=2)

    out, (kernel,) = run(make, images[:, :, :6])
    expected = naive_convolution(images[:, :, :6], kernel, 2)
    assert out.shape == expected.shape
    assert np.abs(out - expected).max() > 0.1


def test_depthwise_convolutions_pad_as_pytorch_does(images):
    def make(x):
        return Blocks(epsilon=0).depthwise_norm_relu(x, 3, name="depthwise", strides=2)

    out, (kernel, *_) = run(make, images)
    for channel in range(4):
        one = naive_convolution(images[..., [channel]], kernel[:, :, [channel]], 2)
        np.testing.assert_allclose(out[..., [channel]], np.maximum(one, 0), atol=1e-5)


def test_max_pooling_pads_both_sides(images):
    images = np.abs(images)
    out, _ = run(lambda x: Blocks().max_pool(x, "pool"), images)
    assert out.shape == (2, 4, 4, 4)
    for row in range(4):
        for column in range(4):
            top, left = max(2 * row - 1, 0), max(2 * column - 1, 0)
            patch = images[:, top : 2 * row + 2, left : 2 * column + 2]
            np.testing.assert_array_equal(out[:, row, column], patch.max((1, 2)))


def test_the_whole_map_average_is_the_mean(images):
    out, _ = run(lambda x: whole_map_average(x, "pool"), images)
    np.testing.assert_allclose(out, images.mean((1, 2)), atol=1e-6)


def test_option_a_subsamples_and_pads_both_sides(images):
    out, _ = run(lambda x: subsample_and_pad(Blocks(), x, 9, 2, "block"), images)
    assert out.shape == (2, 4, 4, 9)
    np.testing.assert_array_equal(out[..., 2:6], images[:, ::2, ::2])
    assert not out[..., :2].any()
    assert not out[..., 6:].any()


def test_gfi_pools_and_pads_at_the_end(images):
    out, _ = run(lambda x: max_pool_and_pad(Blocks(), x, 9, 2, "block"), images[:, :, :6])
    windows = images[:, :, :6].reshape(2, 4, 2, 3, 2, 4)
    np.testing.assert_array_equal(out[..., :4], windows.max((2, 4)))
    assert not out[..., 4:].any()
    assert out.shape[-1] == 9


def test_pytorch_kernels_are_uniform_within_one_over_the_root_of_the_inputs():
    _, (kernel, _) = run(
        lambda x: Blocks(dense_initializer=PYTORCH_UNIFORM).dense(x, 200), np.zeros((1, 100))
    )
    assert np.abs(kernel).max() <= 0.1
    assert np.abs(kernel).max() > 0.099
    assert kernel.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)


def test_deeplab_resizes_between_pixel_centres(short_backbone):
    """PyTorch's align_corners=False: from 2 to 4 pixels, 1/4 and 3/4 of the way."""
    model = models.build("deeplabv3_resnet50", input_shape=(32, 40, 1))
    resize = next(op for op in reversed(model.operations) if type(op).__name__ == "Resize")
    assert (tuple(resize.size), resize.interpolation) == ((32, 40), "bilinear")
    row = np.array([1.0, 2.0], "float32").reshape(1, 1, 2, 1)
    halves = keras.ops.image.resize(row, (1, 4), interpolation="bilinear")
    np.testing.assert_allclose(np.ravel(halves), [1, 1.25, 1.75, 2])


def test_a_plain_call_of_deeplab_is_inference(short_backbone):
    """Keras' layer Resizing would put all that follows it into training mode."""
    model = models.build("deeplabv3_resnet50", input_shape=(32, 40, 1))
    image = np.random.default_rng(0).standard_normal((2, 32, 40, 1)).astype("float32")
    plain, inference = np.array(model(image)), np.array(model(image, training=False))
    np.testing.assert_array_equal(plain, inference)


@pytest.mark.parametrize(("name", "strided"), [("resnet50", "_2_"), ("resnet50_v1", "_1_")])
def test_where_a_bottleneck_has_its_stride(name, strided):
    model = models.build(name, input_shape=(32, 32, 3))
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    found = {x.name for x in convs if x.strides == (2, 2)}
    bottlenecks = {f"stage{s}_block1{strided}conv" for s in (2, 3, 4)}
    shortcuts = {f"stage{s}_block1_shortcut_conv" for s in (2, 3, 4)}
    assert found == bottlenecks | shortcuts | {"stem_conv"}


def test_dilation_replaces_the_strides_of_the_last_two_stages():
    model = models.build("deeplabv3_resnet50", input_shape=(32, 32, 3))
    rates = {
        f"stage{stage}_block{block}": model.get_layer(f"stage{stage}_block{block}_2_conv")
        for stage, block in [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2)]
    }
    assert {name: conv.dilation_rate[0] for name, conv in rates.items()} == {
        "stage2_block1": 1,
        "stage3_block1": 1,
        "stage3_block2": 2,
        "stage4_block1": 2,
        "stage4_block2": 4,
    }
    assert model.get_layer("stage4_block1_add").output.shape == (None, 4, 4, 2048)
