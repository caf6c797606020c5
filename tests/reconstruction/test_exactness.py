"""What a linear network computes is recovered where its lost channels are combinations of kept."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.abilities import require_channels_first, require_dilated_transpose, require_keras
from tests.reconstruction.linear import (
    KEEP,
    MIX,
    assert_recovered,
    behind_dense,
    combine,
    distance,
    outputs,
    samples,
)
from tests.toy_models import randomize

SPACE = {1: (9,), 2: (6, 7), 3: (4, 5, 4)}


def convolutions():
    for rank in (1, 2, 3):
        kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
        for padding in ("valid", "same", *(["causal"] if rank == 1 else [])):
            for stride, dilation in ((1, 1), (2, 1), (1, 2)):
                name = f"{rank}d-{padding}-stride{stride}-dilation{dilation}"
                yield pytest.param(kind, padding, stride, dilation, id=name)


@pytest.mark.parametrize(("kind", "padding", "stride", "dilation"), list(convolutions()))
def test_convolution(kind, padding, stride, dilation):
    rank = int(kind.__name__[4])
    size = 2 if rank == 3 else 3
    layer = kind(2, size, strides=stride, dilation_rate=dilation, padding=padding, name="reader")
    shape = SPACE[rank] if rank < 3 else (5, 4, 5)
    found = assert_recovered(behind_dense(layer, shape), {"made": KEEP})
    assert [(fit.layer, fit.skipped) for fit in found.layers] == [("made", ""), ("reader", "")]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_windows_of_unequal_sides(padding):
    layer = layers.Conv2D(2, (2, 4), strides=(3, 2), padding=padding, name="reader")
    assert_recovered(behind_dense(layer, (7, 8)), {"made": KEEP})


def test_convolution_with_channels_first():
    require_channels_first()
    image = keras.Input((5, 4, 6))
    made = layers.Dense(6, name="made")
    x = layers.Permute((3, 1, 2))(made(layers.Permute((2, 3, 1))(image)))
    y = layers.Conv2D(2, 3, padding="same", data_format="channels_first", name="reader")(x)
    model = keras.Model(image, y)
    randomize(model)
    combine(made)
    assert_recovered(model, {"made": KEEP})


def test_coupled_groups():
    """Channel 2 of each group of three goes: a combination of the group's other two."""
    layer = layers.Conv2D(4, 3, groups=2, padding="same", name="reader")
    model = behind_dense(layer, (4, 5))
    made, keep = model.get_layer("made"), np.array([True, True, False] * 2)
    kernel, bias = made.get_weights()
    for values in (kernel, bias):
        values[..., [2, 5]] = values[..., [0, 3]] - 2 * values[..., [1, 4]]
    made.set_weights([kernel, bias])
    assert_recovered(model, {"made": keep})


def alike(layer):
    """Give each channel the same window, so that combinations stay combinations."""
    kernel = layer.kernel.numpy()
    multiplier = kernel.shape[-1] // 6 if kernel.shape[-2] == 1 else 1
    window = kernel.reshape(*kernel.shape[:-2], 6, -1)[..., :1, :]
    layer.kernel.assign(np.broadcast_to(window, (*window.shape[:-2], 6, window.shape[-1]))
                        .reshape(kernel.shape))  # fmt: skip
    layer.bias.assign(layer.bias.numpy() * 0)
    return multiplier


def test_one_channel_per_group():
    grouped = layers.Conv2D(12, 3, groups=6, padding="same", name="grouped")
    model = behind_dense(lambda x: layers.Conv2D(2, 1, name="head")(grouped(x)), (4, 5))
    alike(grouped)
    assert_recovered(model, {"made": KEEP, "grouped": np.repeat(KEEP, 2)})


@pytest.mark.parametrize(
    ("kind", "shape"), [(layers.DepthwiseConv1D, (6,)), (layers.DepthwiseConv2D, (4, 5))]
)
def test_behind_a_depthwise_convolution(kind, shape):
    deep = kind(3, padding="same", depth_multiplier=2, name="deep")
    model = behind_dense(lambda x: layers.Dense(2, name="head")(deep(x)), shape)
    alike(deep)
    assert_recovered(model, {"made": KEEP})


def transposed():
    for rank in (1, 2, 3):
        kind = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}
        for padding in ("valid", "same"):
            for size, stride, more in ((3, 1, None), (3, 2, None), (2, 2, None), (2, 3, None),
                                       (4, 2, None), (3, 2, 0), (3, 2, 1), (4, 3, 2)):  # fmt: skip
                if rank < 3 or (size, more) in ((3, None), (3, 1)):
                    name = f"{rank}d-{padding}-window{size}-stride{stride}-out{more}"
                    yield pytest.param(kind[rank], size, stride, padding, more, id=name)


@pytest.mark.parametrize(("kind", "size", "stride", "padding", "more"), list(transposed()))
def test_transposed(kind, size, stride, padding, more):
    if more is not None:
        require_keras("3.15", "output_padding in the config")
    layer = kind(2, size, strides=stride, padding=padding, output_padding=more, name="reader")
    shape = {1: (5,), 2: (3, 4), 3: (2, 3, 2)}[int(kind.__name__[4])]
    assert_recovered(behind_dense(layer, shape), {"made": KEEP})


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dilation", [1, 2])
def test_transposed_and_dilated(padding, dilation):
    if dilation > 1:
        require_dilated_transpose()
    layer = layers.Conv2DTranspose(2, 3, dilation_rate=dilation, padding=padding, name="reader")
    assert_recovered(behind_dense(layer, (4, 5)), {"made": KEEP})


@pytest.mark.parametrize("kind", [layers.SeparableConv1D, layers.SeparableConv2D])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_separable(kind, padding, stride, dilation):
    layer = kind(2, 3, strides=stride, dilation_rate=dilation, padding=padding,
                 depth_multiplier=2, name="reader")  # fmt: skip
    shape = SPACE[int(kind.__name__[-2])]
    model = behind_dense(layer, shape)
    deep = layer.depthwise_kernel.numpy()
    layer.depthwise_kernel.assign(np.broadcast_to(deep[..., :1, :], deep.shape))
    assert_recovered(model, {"made": KEEP})


@pytest.mark.parametrize("shape", [(), (4,), (3, 2)])
def test_dense(shape):
    assert_recovered(behind_dense(layers.Dense(3, name="reader"), shape), {"made": KEEP}, count=90)


@pytest.mark.parametrize(
    ("equation", "shape", "output_shape", "bias_axes"),
    [
        ("ab,bc->ac", (), (3,), "c"),
        ("abc,cd->abd", (4,), (4, 3), "d"),
        ("abc,cde->abde", (4,), (4, 2, 3), "de"),
        ("abc,cde->abde", (4,), (4, 2, 3), "e"),
        ("abc,cde->adbe", (4,), (2, 4, 3), "de"),
        ("abc,bcd->abd", (3,), (3, 4), "bd"),
        ("abc,bcd->ad", (3,), (4,), "d"),
        ("abc,cd->abd", (4,), (4, 3), None),
    ],
)
def test_einsum_dense(equation, shape, output_shape, bias_axes):
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes, name="reader")
    found = assert_recovered(behind_dense(layer, shape), {"made": KEEP}, count=120)
    assert not any(fit.skipped for fit in found.layers)


def test_einsum_dense_that_merges_heads():
    heads = layers.EinsumDense("abc,cde->abde", (None, 6, 2), bias_axes="de", name="made")
    series = keras.Input((4, 9))
    merged = layers.EinsumDense("abde,dec->abc", (None, 3), bias_axes="c", name="reader")
    model = keras.Model(series, merged(heads(series)))
    randomize(model)
    kernel, bias = heads.get_weights()
    for values in (kernel, bias):
        of_heads = np.moveaxis(values, -2, -1)  # a view
        of_heads[..., 4:] = of_heads[..., :4] @ MIX
    heads.set_weights([kernel, bias])
    assert_recovered(model, {"made": KEEP})


@pytest.mark.parametrize("use_bias", [True, False])
def test_an_offset_goes_into_the_bias_or_the_moving_mean_behind(use_bias):
    reader = layers.Conv2D(3, 2, use_bias=use_bias, name="reader")
    norm = layers.BatchNormalization(name="norm")
    model = behind_dense(lambda x: norm(reader(x)), (4, 5), constant=2.0)
    assert_recovered(model, {"made": KEEP})


def test_a_layer_called_in_parallel():
    left, right = keras.Input((4, 5)), keras.Input((6, 5))
    made = [layers.Dense(6, name="left"), layers.Dense(6, name="right")]
    shared = layers.Conv1D(3, 3, name="shared")
    ends = [shared(layer(x)) for layer, x in zip(made, (left, right), strict=True)]
    model = keras.Model([left, right], ends)
    randomize(model)
    combine(*made)
    found = assert_recovered(model, {"left": KEEP, "right": KEEP})
    assert [fit.rows for fit in found.layers if fit.layer == "shared"] == [60 * 2 + 60 * 4]


def test_a_layer_called_on_its_own_output():
    shared = layers.Dense(6, name="shared")
    model = behind_dense(lambda x: layers.Dense(2, name="head")(shared(shared(x))), (4,))
    combine(shared)
    assert_recovered(model, {"made": KEEP, "shared": KEEP})


def test_models_within_a_model_called_twice():
    inside = keras.Input((4, 6))
    inner = keras.Model(inside, layers.Conv1D(3, 2, name="reader")(inside), name="inner")
    series = keras.Input((4, 5))
    made = [layers.Dense(6, name="left"), layers.Dense(6, name="right")]
    model = keras.Model(series, layers.Concatenate()([inner(layer(series)) for layer in made]))
    randomize(model)
    combine(*made)
    assert_recovered(model, {"left": KEEP, "right": KEEP})


@pytest.mark.parametrize("kind", [list, dict])
def test_two_inputs_and_outputs(kind):
    p, q = keras.Input((4, 5), name="p"), keras.Input((4, 5), name="q")
    made = layers.Dense(6, name="made")
    x = made(layers.Subtract()([p, q]))
    ends = layers.Conv1D(2, 2, name="one")(x), layers.Dense(3, name="two")(x)
    ends = list(ends) if kind is list else dict(zip("uv", ends, strict=True))
    model = keras.Model([q, p] if kind is list else {"p": p, "q": q}, ends)
    randomize(model)
    combine(made)
    assert_recovered(model, {"made": KEEP})


@pytest.mark.parametrize("aim", ["sum", "own"])
@pytest.mark.parametrize("norm", [True, False])
def test_a_residual_block(aim, norm):
    """Stream of six, its last two combinations of the others in every term."""
    image = keras.Input((5, 4, 5))
    made = layers.Dense(6, name="made")
    inner = layers.Conv2D(6, 3, padding="same", name="inner")
    last = layers.Conv2D(6, 3, padding="same", use_bias=not norm, name="last")
    stream = made(image)
    branch = last(inner(stream))
    if norm:
        branch = layers.BatchNormalization(scale=False, center=False, name="norm")(branch)
    model = keras.Model(image, layers.Dense(3, name="head")(layers.Add()([stream, branch])))
    randomize(model)
    combine(made, inner, last)
    if norm:
        mean = model.get_layer("norm").moving_mean
        mean.assign(np.concatenate([mean.numpy()[:4], mean.numpy()[:4] @ MIX]))
        model.get_layer("norm").moving_variance.assign(np.full(6, 0.5))
    assert_recovered(model, {"made": KEEP, "inner": KEEP, "last": KEEP}, aim=aim)


def gains():
    yield "batch norm", layers.BatchNormalization(name="gain"), ("gamma", "beta")
    yield "batch norm of axis 1", layers.BatchNormalization(axis=1, name="gain"), ("gamma", "beta")
    yield "no offset", layers.BatchNormalization(center=False, name="gain"), ("gamma",)
    yield "layer norm", layers.LayerNormalization(name="gain"), ("gamma", "beta")
    yield "group norm", layers.GroupNormalization(2, name="gain"), ("gamma", "beta")
    yield "depthwise", layers.DepthwiseConv2D(2, depth_multiplier=2, name="gain"), (
        "kernel", "bias")  # fmt: skip


@pytest.mark.parametrize(("layer", "names"), [pytest.param(*x, id=i) for i, *x in gains()])
def test_a_factor_and_an_offset_per_channel_are_recovered(layer, names):
    """A pruned model whose gains were changed gets them back."""
    image = keras.Input((4, 4, 4))
    x = layers.Dense(6, name="made")(layer(image))
    model = keras.Model(image, [x, layers.Dense(2, name="head")(layer.output)])
    randomize(model)
    graph, data = tfprune.analyse(model), samples(model)
    small, rng = tfprune.rebuild(graph, {}), np.random.default_rng(5)
    changed = small.get_layer("gain")
    factors = rng.uniform(0.5, 2, getattr(changed, names[0]).shape[-2:])
    getattr(changed, names[0]).assign(getattr(changed, names[0]).numpy() * factors)
    if names[1:]:
        getattr(changed, names[1]).assign(rng.normal(size=getattr(changed, names[1]).shape))
    wanted = outputs(model, data)
    assert distance(small, wanted, data) > 0.1
    better, _ = tfprune.reconstruct(graph, {}, small, data)
    assert distance(better, wanted, data) < 1e-4
    for name in names:
        np.testing.assert_allclose(
            getattr(better.get_layer("gain"), name), getattr(layer, name), atol=1e-4
        )
