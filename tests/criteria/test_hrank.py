"""The average rank of feature maps against singular values counted one by one."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError


def identity_model(channels, height, width):
    """A convolution that hands its input on, so that its maps are whatever is fed."""
    image = keras.Input((height, width, channels))
    x = layers.Conv2D(channels, 1, name="conv", use_bias=False)(image)
    x = layers.Conv2D(2, 1, name="head")(layers.ReLU()(x))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    model.get_layer("conv").set_weights([np.eye(channels, dtype="float32")[None, None]])
    return model


def hrank(maps):
    graph = tfprune.analyse(identity_model(maps.shape[-1], *maps.shape[1:3]))
    return tfprune.score(graph, "hrank", np.float32(maps))["conv"]


def naive_rank(plane):
    values = np.linalg.svd(np.float32(plane), compute_uv=False)
    bound = values.max() * max(plane.shape) * np.finfo(np.float32).eps
    return sum(1 for value in values if value > bound)


def test_ranks_of_known_maps():
    eye, ones, i = np.eye(4), np.ones((4, 4)), np.arange(4)
    first = [eye, ones, 0 * eye, np.outer(i, i) + eye * [1, 1, 0, 0], -eye]
    second = [ones, ones, 0 * eye, 0 * eye, -ones]
    maps = np.stack([np.stack(first, -1), np.stack(second, -1)])
    # The activation makes the negative maps zero.
    np.testing.assert_array_equal(hrank(maps), [2.5, 1, 0, 1.5, 0])


def test_the_first_call_of_a_layer_counts():
    image, conv = keras.Input((4, 4, 2)), layers.Conv2D(2, 1, activation="relu", name="conv")
    x = conv(layers.MaxPooling2D(4)(conv(image)))  # maps of 4 x 4, then of 1 x 1
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    conv.set_weights([np.eye(2)[None, None], np.zeros(2)])
    maps = np.stack([np.eye(4), np.eye(4) * [1, 1, 0, 0]], -1)[None]
    scores = tfprune.score(tfprune.analyse(model), "hrank", np.float32(maps), coupled="mean")
    np.testing.assert_array_equal(scores["conv"], [4, 2])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(2, 7), st.integers(2, 7), st.integers(1, 3), st.integers(0, 10**6))
def test_scores_equal_naive_loops(height, width, rank, seed):
    rng = np.random.default_rng(seed)
    maps = rng.random((3, height, rank, 4)).transpose(0, 3, 1, 2) @ rng.random((3, 4, rank, width))
    maps = np.float32(maps.transpose(0, 2, 3, 1))
    naive = [np.mean([naive_rank(image[..., c]) for image in maps]) for c in range(4)]
    np.testing.assert_array_equal(hrank(maps), naive)


def test_scores_do_not_depend_on_batches_or_the_order_of_images():
    maps = np.random.default_rng(1).standard_normal((6, 8, 8, 5)).astype("float32")
    graph = tfprune.analyse(identity_model(5, 8, 8))
    whole = tfprune.score(graph, "hrank", maps)["conv"]
    parts = tfprune.score(graph, "hrank", [maps[4:], maps[:1], maps[1:4]])["conv"]
    np.testing.assert_array_equal(whole, parts)
    assert len(set(whole.tolist())) > 1


def test_layers_without_maps_are_left_out_and_coupled_ones_share_their_mean():
    x = keras.Input((6, 6, 3))
    y = layers.ReLU()(layers.Conv2D(4, 3, padding="same", name="a")(x))
    z = layers.ReLU()(layers.Add()([y, layers.Conv2D(4, 3, padding="same", name="b")(y)]))
    z = layers.Dense(5, name="dense")(layers.GlobalAveragePooling2D()(z))
    model = keras.Model(x, layers.Dense(2, name="head")(z))
    graph = tfprune.analyse(model)
    images = np.random.default_rng(0).standard_normal((4, 6, 6, 3)).astype("float32")
    scores = tfprune.score(graph, "hrank", images)
    assert sorted(scores) == ["a", "b"]
    assert not scores.comparable
    np.testing.assert_array_equal(scores["a"], scores["b"])
    relus = [layer.output for layer in model.layers if isinstance(layer, layers.ReLU)]
    outputs = keras.Model(x, relus)(images)
    ranks = [np.linalg.matrix_rank(np.moveaxis(o, -1, 1)).mean(0) for o in outputs]
    np.testing.assert_allclose(scores["a"], np.mean(ranks, 0), rtol=0.02)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (None, "Criterion 'hrank' needs data: pass batches of inputs; received None"),
        ([], "Criterion 'hrank' received no batch"),
        (np.zeros((1, 8, 8, 3), "float32"), "does not suit the model .*inputs of shapes"),
        ([("a", "b")], "expected inputs as arrays or tensors, received str"),
        (np.full((1, 8, 8, 5), np.nan, "float32"), "inputs hold NaN or infinity"),
    ],
)
def test_data_that_it_cannot_read_are_refused(batches, message):
    with pytest.raises(PruningError, match=message):
        tfprune.score(tfprune.analyse(identity_model(5, 8, 8)), "hrank", batches)


def test_a_model_without_maps_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    with pytest.raises(PruningError, match="needs feature maps of 2-D convolutions; .* has none"):
        tfprune.score(tfprune.analyse(model), "hrank", np.zeros((1, 4)))
