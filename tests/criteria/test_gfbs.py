"""GFBS against the worked numbers of its specification."""

import keras
import numpy as np
import pytest
from keras import layers

import models
import tfprune
from tfprune import PruningError
from tfprune.criteria import gfbs

# Example G1: two images of 2x2 pixels with two channels, pixels row by row.
IMAGES = np.array(
    [[[1, 0], [2, 1], [0, 3], [1, -1]], [[2, 2], [-1, 1], [0, 1], [3, 0]]], "float32"
).reshape(2, 2, 2, 2)
LABELS = np.array([0, 1])


def give(model, layer, *values):
    model.get_layer(layer).set_weights([np.asarray(value, "float32") for value in values])


def example_g1(softmax=False):
    image = keras.Input((2, 2, 2))
    x = layers.Conv2D(3, 1, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="bn")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    x = layers.Dense(2, activation="softmax" if softmax else None, name="head")(x)
    model = keras.Model(image, x)
    give(model, "conv", [[[[1, -1, 0.5], [0.5, 1, -2]]]])
    give(model, "bn", [1, 0.5, -0.8], [0.2, -0.4, 0.1], np.zeros(3), np.ones(3))
    give(model, "head", [[1, -1], [0.6, -0.2], [-1, 2]], [0.1, -0.1])
    return model


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.7466116134, -0.0186087933, 0.0394573091]),
        ({"beta": "off"}, [0.7247898244, 0.0250347848, 0.0285464146]),
        ({"w_beta": 0.0}, [0.7247898244, 0.0250347848, 0.0285464146]),
        ({"beta": "only"}, 0.05 * np.array([0.4364357805, -0.8728715609, 0.2182178902])),
    ],
)
def test_example_g1(options, expected):
    graph = tfprune.analyse(example_g1())
    scores = tfprune.score(graph, "gfbs", (IMAGES, LABELS), **options)
    np.testing.assert_allclose(scores["conv"], expected, rtol=2e-6, atol=1e-7)
    assert list(scores) == ["conv"]


def test_example_g1_removes_the_second_channel():
    graph = tfprune.analyse(example_g1())
    keep = tfprune.select(graph, tfprune.score(graph, "gfbs", (IMAGES, LABELS)), ratio=1 / 3)
    assert keep["conv"].tolist() == [True, False, True]
    assert keep["head"].all()


def test_a_softmax_head_gives_the_same_scores_as_logits():
    logits = tfprune.score(tfprune.analyse(example_g1()), "gfbs", (IMAGES, LABELS))
    softmax = tfprune.score(tfprune.analyse(example_g1(softmax=True)), "gfbs", (IMAGES, LABELS))
    np.testing.assert_allclose(softmax["conv"], logits["conv"], rtol=1e-5)


def test_scoring_leaves_the_model_as_it_was():
    model = example_g1()
    before = model.get_weights()
    tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_gradients_are_averaged_over_batches_before_the_absolute_value():
    graph = tfprune.analyse(example_g1())
    flipped = (IMAGES[::-1].copy(), LABELS)  # other labels: gradients of another sign
    both = tfprune.score(graph, "gfbs", [(IMAGES, LABELS), flipped], beta="off")["conv"]
    one, two = (naive_gradient(*batch) for batch in ((IMAGES, LABELS), flipped))
    np.testing.assert_allclose(both, saliency((one + two) / 2), rtol=1e-4)
    assert not np.allclose(both, (saliency(one) + saliency(two)) / 2, rtol=1e-2)


def saliency(gradient):
    gamma = np.array([1, 0.5, -0.8])
    return np.abs(gamma * gradient) / np.linalg.norm(gamma) / np.linalg.norm(gradient)


def naive_gradient(images, labels):
    """dL/dgamma by central differences in float64."""
    gradient = np.zeros(3)
    for k in range(3):
        up, down = np.array([1, 0.5, -0.8]), np.array([1, 0.5, -0.8])
        up[k] += 1e-5
        down[k] -= 1e-5
        gradient[k] = (naive_loss(images, labels, up) - naive_loss(images, labels, down)) / 2e-5
    return gradient


def naive_loss(images, labels, gamma):
    x = np.float64(images).reshape(len(images), 4, 2) @ np.array([[1, -1, 0.5], [0.5, 1, -2]])
    x = (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-5) * gamma + [0.2, -0.4, 0.1]
    logits = np.maximum(x, 0).mean(1) @ [[1, -1], [0.6, -0.2], [-1, 2]] + [0.1, -0.1]
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    return -logits[np.arange(len(labels)), labels].mean()


def test_the_naive_loss_is_the_specification_s():
    assert naive_loss(IMAGES, LABELS, np.array([1, 0.5, -0.8])) == pytest.approx(0.9393711591)
    np.testing.assert_allclose(
        naive_gradient(IMAGES, LABELS), [0.2887363023, -0.0199463374, -0.0142151316], rtol=1e-6
    )


G2 = {
    "A": np.array([0.7455417528, 0.2283281573]),
    "B": np.array([0.0853846154, 0.0307692308, -0.04, 0.4615384615]),
}


@pytest.fixture
def example_g2(monkeypatch):
    """Layers A and B of example G2 with their normalisations, and the gradients given there."""
    image = keras.Input((2, 2, 2))
    x = layers.BatchNormalization(name="bnA")(layers.Conv2D(2, 1, name="A")(image))
    x = layers.BatchNormalization(name="bnB")(layers.Conv2D(4, 1, name="B")(x))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(2, name="head")(x))
    give(model, "bnA", [0.8, 0.6], [0.3, -0.4], np.zeros(2), np.ones(2))
    give(model, "bnB", [0.5, -0.1, 0.7, 0.5], [-0.6, 0, -0.8, 0], np.zeros(4), np.ones(4))
    given = {"bnA": np.array([-0.02, 0.01]), "bnB": np.array([0.003, 0.004, 0, -0.012])}
    monkeypatch.setattr(
        gfbs,
        "scale_gradients",
        lambda graph, norms, *_: [given[o.name] for o in norms],
    )
    graph = tfprune.analyse(model)
    return graph, tfprune.score(graph, "gfbs", (IMAGES, LABELS))


def test_example_g2_scores(example_g2):
    _, scores = example_g2
    for name, expected in G2.items():
        np.testing.assert_allclose(scores[name], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "kept_a", "kept_b"), [(0.3, [0, 1], [0, 3]), (0.5, [0, 1], [3]), (0.7, [0], [3])]
)
def test_example_g2_global_ranking_keeps_the_best_of_a_layer(example_g2, ratio, kept_a, kept_b):
    keep = tfprune.select(*example_g2, ratio=ratio)
    assert np.flatnonzero(keep["A"]).tolist() == kept_a
    assert np.flatnonzero(keep["B"]).tolist() == kept_b


def test_example_g3_coupled_layers_share_the_means_of_each_term(monkeypatch):
    """Two blocks that are added: their vectors are normalised apart and averaged term by term."""
    image = keras.Input((2, 2, 2))
    branches = []
    for block in (1, 2):
        x = layers.Conv2D(3, 1, use_bias=False, name=f"conv{block}")(image)
        branches.append(layers.BatchNormalization(name=f"bn{block}")(x))
    x = layers.GlobalAveragePooling2D()(layers.Add()(branches))
    model = keras.Model(image, layers.Dense(2)(x))
    give(model, "bn1", [1, 2, 2], [0, -0.6, 0.8], np.zeros(3), np.ones(3))
    give(model, "bn2", [3, 0, 4], [0.48, 0.64, -0.6], np.zeros(3), np.ones(3))
    given = {"bn1": np.array([0.3, 0, 0.4]), "bn2": np.array([0, 0.6, 0.8])}
    monkeypatch.setattr(
        gfbs,
        "scale_gradients",
        lambda graph, norms, *_: [given[o.name] for o in norms],
    )
    scores = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))
    for name in ("conv1", "conv2"):
        np.testing.assert_allclose(scores[name], [0.152, 0.101, 0.5916666667], rtol=1e-6)


def test_dropout_does_not_make_the_scores_random():
    image = keras.Input((2, 2, 2))
    x = layers.BatchNormalization()(layers.Conv2D(8, 1, name="conv")(image))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    graph = tfprune.analyse(keras.Model(image, layers.Dense(2)(x)))
    first, second = (tfprune.score(graph, "gfbs", (IMAGES, LABELS))["conv"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_model_without_batch_normalization_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dense(1)])
    graph = tfprune.analyse(model)
    with pytest.raises(
        PruningError, match="needs BatchNormalization layers.*Use another criterion"
    ):
        tfprune.score(graph, "gfbs", (np.zeros((2, 4)), np.zeros(2)))


@pytest.mark.parametrize(
    ("batches", "options", "message"),
    [
        (None, {}, "'gfbs' needs data: pass batches of .inputs, labels.; received None"),
        ([IMAGES], {}, "'gfbs' needs labels"),
        ([], {}, "received no batch"),
        (
            (IMAGES, LABELS),
            {"beta": "maybe"},
            "beta must be 'add', 'off' or 'only', received 'maybe'",
        ),
        ((IMAGES, LABELS), {"w_beta": -1}, "w_beta must be a number from 0 on, received -1"),
        ((IMAGES, LABELS), {"w_beta": "x"}, "w_beta must be a number from 0 on, received 'x'"),
        ((IMAGES, LABELS), {"w_beta": np.inf}, "w_beta must be a number from 0 on, received inf"),
        ((IMAGES, LABELS), {"w_beta": 1, "beta": "off"}, "w_beta=1 beside beta='off' leaves not"),
        ((IMAGES, LABELS), {"w_beta": 0, "beta": "only"}, "w_beta=0 beside beta='only' leaves"),
        ((IMAGES, np.eye(2)), {}, r"class numbers from 0 to 1.*float64 of shape \(2, 2\).*argmax"),
        ((IMAGES, LABELS + 7), {}, "class numbers from 0 to 1, .* received 7. Take"),
        ((IMAGES[..., :1], LABELS), {}, r"batch does not suit .*\(2, 2, 2, 1\)"),
        ((IMAGES, LABELS), {"samples": 3}, "Unknown option of criterion 'gfbs' 'samples'"),
        ((IMAGES * np.nan, LABELS), {}, "A batch's inputs hold NaN or infinity. Clean the data"),
    ],
)
def test_data_and_options_that_do_not_suit_are_refused(batches, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.score(tfprune.analyse(example_g1()), "gfbs", batches, **options)


def test_a_frozen_normalisation_is_scored_on_batch_statistics_too():
    model = example_g1()
    expected = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))["conv"]
    model.get_layer("bn").trainable = False
    frozen = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))["conv"]
    np.testing.assert_array_equal(frozen, expected)
    assert not model.get_layer("bn").trainable


def test_all_of_a_frozen_network_runs_on_batch_statistics():
    """Also the normalisations that are not ranked: a bare one, and a projected shortcut's."""
    image = keras.Input((2, 2, 2))
    x = layers.BatchNormalization(scale=False)(layers.Conv2D(3, 1, name="stem")(image))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 1, name="first")(x)))
    y = layers.BatchNormalization()(layers.Conv2D(5, 1, name="last")(y))
    z = layers.BatchNormalization()(layers.Conv2D(5, 1, name="shortcut")(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([y, z])))
    model = keras.Model(image, layers.Dense(2)(x))
    free = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))
    model.trainable = False
    frozen = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))
    assert set(free) == {"first", "last"}
    for name in free:
        np.testing.assert_array_equal(frozen[name], free[name])


def test_images_weigh_alike_in_batches_of_different_size():
    """Two batches give the mean of their gradients over the images, before the absolute value."""
    graph = tfprune.analyse(example_g1())
    rng = np.random.default_rng(2)
    images = rng.normal(size=(7, 2, 2, 2)).astype("float32")
    labels = rng.integers(0, 2, 7)
    parts = [(images[:5], labels[:5]), (images[5:], labels[5:])]
    flow = (5 * naive_gradient(*parts[0]) + 2 * naive_gradient(*parts[1])) / 7
    gamma = np.array([1, 0.5, -0.8])
    expected = np.abs(gamma * flow) / (np.linalg.norm(gamma) * np.linalg.norm(flow))
    found = tfprune.score(graph, "gfbs", parts, w_beta=0)["conv"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_order_of_the_images_in_a_batch_does_not_matter():
    graph = tfprune.analyse(example_g1())
    one = tfprune.score(graph, "gfbs", (IMAGES, LABELS))["conv"]
    other = tfprune.score(graph, "gfbs", (IMAGES[::-1], LABELS[::-1]))["conv"]
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_augmentation_within_the_model_does_not_make_the_scores_random():
    image = keras.Input((2, 2, 2))
    x = layers.Conv2D(6, 2, name="conv")(layers.RandomFlip()(image))
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    graph = tfprune.analyse(keras.Model(image, layers.Dense(2)(x)))
    first, second = (tfprune.score(graph, "gfbs", (IMAGES, LABELS))["conv"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_projected_shortcuts_are_neither_averaged_nor_ranked():
    """As in the original's ResNets: the block's last layer speaks for the sum."""
    image = keras.Input((2, 2, 2))
    x = layers.Conv2D(3, 1, name="stem")(image)
    y = layers.Conv2D(4, 1, name="first")(x)
    y = layers.BatchNormalization(name="bn1")(y)
    y = layers.BatchNormalization(name="bn2")(layers.Conv2D(5, 1, name="last")(y))
    z = layers.BatchNormalization(name="bn3")(layers.Conv2D(5, 1, name="shortcut")(x))
    x = layers.GlobalAveragePooling2D()(layers.Add()([y, z]))
    model = keras.Model(image, layers.Dense(2)(x))
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "gfbs", (IMAGES, LABELS))
    assert set(scores) == {"first", "last"}
    give(model, "bn3", np.arange(1, 6), np.arange(5), np.zeros(5), np.ones(5))
    unlike = tfprune.score(graph, "gfbs", (IMAGES, LABELS), beta="only")
    np.testing.assert_array_equal(unlike["last"], np.zeros(5))


def test_a_block_of_one_convolution_is_no_projection():
    """conv reads the very channels that it is added to, and so does the next block's first."""
    image = keras.Input((2, 2, 2))
    x = layers.BatchNormalization(name="bn0")(layers.Conv2D(4, 1, name="stem")(image))
    y = layers.BatchNormalization(name="bn1")(layers.Conv2D(4, 1, name="conv")(x))
    z = layers.BatchNormalization(name="bn2")(layers.Conv2D(3, 1, name="side")(x))
    x = layers.Concatenate()([layers.Add()([x, y]), z])
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    scores = tfprune.score(tfprune.analyse(model), "gfbs", (IMAGES, LABELS))
    assert set(scores) == {"stem", "conv", "side"}


def test_resnet50_ranks_as_many_channels_as_the_original():
    graph = tfprune.analyse(models.build("resnet50", input_shape=(32, 32, 3), num_classes=2))
    images = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype("float32")
    scores = tfprune.score(graph, "gfbs", (images, LABELS))
    assert sum(len(values) for values in scores.values()) == 22720
