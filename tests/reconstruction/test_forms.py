"""A layer is its columns times its matrix plus its bias, and what is assigned comes into force."""

import numpy as np
import pytest
from keras import layers

from tests.toy_models import randomize
from tfprune.reconstruction.forms import find


def cases():
    yield layers.Dense(4), (3, 5)
    yield layers.Dense(4, use_bias=False), (5,)
    yield layers.EinsumDense("...x,xy->...y", 4, bias_axes="y"), (2, 3, 5)
    yield layers.EinsumDense("abc,cde->abde", (3, 2, 4), bias_axes="de"), (3, 5)
    yield layers.EinsumDense("abc,cde->abde", (3, 2, 4), bias_axes="e"), (3, 5)
    yield layers.EinsumDense("abc,cde->abde", (3, 2, 4), bias_axes="d"), (3, 5)
    yield layers.EinsumDense("abc,cde->abde", (3, 1, 4), bias_axes="de"), (3, 5)
    yield layers.EinsumDense("abc,cde->aebd", (4, 3, 2), bias_axes="ed"), (3, 5)
    yield layers.EinsumDense("abde,dec->abc", (3, 4), bias_axes="c"), (3, 2, 5)
    yield layers.EinsumDense("abc,bcd->abd", (3, 4), bias_axes="bd"), (3, 5)
    yield layers.EinsumDense("abc,bcd->adb", (4, 3), bias_axes="db"), (3, 5)
    yield layers.EinsumDense("abc,cbd->adb", (4, 3), bias_axes="db"), (3, 5)
    yield layers.Conv1D(4, 3, padding="causal", dilation_rate=2), (7, 5)
    yield layers.Conv2D(6, 3, strides=2, padding="same", groups=2), (5, 6, 4)
    yield layers.Conv2D(6, (3, 2), padding="same", dilation_rate=(1, 2)), (5, 6, 4)
    yield layers.Conv3D(3, 2, strides=(1, 2, 1)), (3, 4, 3, 2)
    yield layers.Conv2DTranspose(3, (3, 2), strides=(2, 3), output_padding=(1, 0)), (3, 4, 2)
    yield layers.Conv1DTranspose(3, 4, strides=3, padding="same"), (5, 2)
    yield layers.SeparableConv2D(3, 3, padding="same", depth_multiplier=2), (4, 5, 2)
    yield layers.DepthwiseConv1D(3, depth_multiplier=2), (6, 3)
    yield layers.DepthwiseConv2D(3, strides=2, padding="same"), (5, 4, 3)
    yield layers.BatchNormalization(), (4, 3)
    yield layers.BatchNormalization(axis=1, center=False), (4, 3)
    yield layers.LayerNormalization(), (4, 3)
    yield layers.GroupNormalization(2), (5, 4)


CASES = [pytest.param(layer, shape, id=f"{i}-{layer.name}")
         for i, (layer, shape) in enumerate(cases())]  # fmt: skip


class Holder:
    """What `randomize` asks of a model."""

    def __init__(self, layer):
        self.layers, self.weights = [layer], layer.weights


def built(layer, shape):
    layer = layer.from_config(layer.get_config())
    layer.build((None, *shape))
    randomize(Holder(layer))
    x = np.random.default_rng(1).normal(size=(6, *shape)).astype("float32")
    return find(layer), x


def everything(form, x):
    """Return columns, outputs as rows, the outputs, and the bias or 0."""
    y = np.asarray(form.layer(x))
    rows = np.arange(len(y) * form.positions(y))
    bias = form.bias()
    bias = 0.0 if bias is None else bias[:, None]
    return form.columns(x, y, rows), form.targets(y, rows), y, bias


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_outputs_are_columns_times_matrix(layer, shape):
    form, x = built(layer, shape)
    columns, targets, y, bias = everything(form, x)
    assert targets.size == y.size
    assert np.abs(targets).max() > 0.1
    np.testing.assert_allclose(columns @ form.matrix() + bias, targets, atol=1e-4)


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_rows_are_counted_sample_by_sample(layer, shape):
    form, x = built(layer, shape)
    columns, targets, y, _ = everything(form, x)
    rows = np.array([1, form.positions(y) * 4, form.positions(y) * 6 - 1])
    np.testing.assert_array_equal(form.columns(x, y, rows), columns[:, rows])
    np.testing.assert_array_equal(form.targets(y, rows), targets[:, rows])
    fourth = form.targets(y[4:5], np.arange(form.positions(y)))
    np.testing.assert_array_equal(targets[:, form.positions(y) * 4 :][:, : form.positions(y)],
                                  fourth)  # fmt: skip


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_a_matrix_that_is_assigned_comes_into_force(layer, shape):
    form, x = built(layer, shape)
    columns, _, _, bias = everything(form, x)
    matrix = form.matrix() + np.random.default_rng(2).normal(size=form.matrix().shape)
    form.assign(matrix)
    if form.has_kernel:
        np.testing.assert_allclose(form.matrix(), matrix, rtol=1e-6)
    np.testing.assert_allclose(everything(form, x)[1], columns @ matrix + bias, atol=1e-4)


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_an_offset_is_added(layer, shape):
    form, x = built(layer, shape)
    _, targets, *_ = everything(form, x)
    groups, _, width = form.matrix().shape
    offset = np.random.default_rng(2).normal(size=(groups, width))
    axes = getattr(layer, "bias_axes", None)
    if not form.takes_offset:
        assert (
            axes in ("e", "d")
            or getattr(form.layer, "bias", getattr(form.layer, "beta", 0)) is None
        )
        return
    form.shift(offset)
    np.testing.assert_allclose(everything(form, x)[1], targets + offset[:, None], atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.ReLU(), (3,)),
        (layers.BatchNormalization(scale=False), (3,)),
        (layers.LayerNormalization(axis=(1, 2)), (3, 4)),
        (layers.UnitNormalization(), (3,)),
        (layers.GRU(2), (4, 3)),
        (type("Mine", (layers.Dense,), {})(3), (3,)),
    ],
)
def test_what_is_not_understood_as_a_matrix_has_no_form(layer, shape):
    layer.build((None, *shape))
    assert find(layer) is None


def test_a_bias_for_each_place_is_none_of_the_outputs():
    layer = layers.EinsumDense("abc,cd->abd", (3, 4), bias_axes="bd")
    form, _ = built(layer, (3, 5))
    assert form.bias() is None
    assert not form.takes_offset
