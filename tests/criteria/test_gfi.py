"""GFI-AP's scores and choices against its specification's numbers and a loop."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import models
import tfprune
from tests.abilities import require_channels_first
from tfprune.criteria._convolutions import convolutions
from tfprune.criteria.gfi import importance
from tfprune.graph.coupling import require_uncoupled

LABELS = np.array([0, 0, 1, 1])


def maps_of(size, channels):
    """F[n,i,j,c] of example C7."""
    n, i, j, c = np.mgrid[:4, :size, :size, :channels]
    return ((5 * n + 3 * i + 7 * j + 4 * c * (n + 1) + c * c) % 11 - 5).astype("float32")


MAPS = (maps_of(2, 4), maps_of(3, 3))
I_A, I_B = [1.5, 1.375, 2.75, 1.5], [1.388889, 1.777778, 2.666667]


def two_layers(shapes=((2, 2, 4), (3, 3, 3)), classes=2, bias=0.0, **options):
    """Convolutions A and B that hand on what they are fed, each behind its own input."""
    images = [keras.Input(shape) for shape in shapes]
    branches = []
    for name, image in zip("AB", images, strict=True):
        width = image.shape[-1]
        conv = layers.Conv2D(width, 1, name=name, bias_initializer="ones", **options)
        x = layers.BatchNormalization(name=f"{name}_bn")(conv(image))
        branches.append(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
        conv.set_weights([np.eye(width)[None, None], np.full(width, bias)])
    scores = layers.Dense(classes, name="head")(layers.Concatenate()(branches))
    return tfprune.analyse(keras.Model(images, scores))


def scored(maps=MAPS, labels=LABELS, graph=None, **options):
    graph = graph or two_layers()
    return tfprune.score(graph, "gfi", [(list(maps), labels)], **options)


def test_example_c7():
    scores = scored()
    assert set(scores) == {"A", "B"}
    np.testing.assert_allclose(scores["A"], I_A, rtol=1e-12)
    np.testing.assert_allclose(scores["B"], I_B, rtol=4e-7)
    assert (scores.selector, scores.scope, scores.comparable) == ("adaptive", "global", True)


def test_example_c7_with_sums_over_the_positions():
    scores = scored(spatial="sum")
    np.testing.assert_allclose(scores["A"], [6, 5.5, 11, 6], rtol=1e-12)
    np.testing.assert_allclose(scores["B"], [12.5, 16, 24], rtol=1e-12)


def test_example_c7_class_scores():
    """The score of a class alone, its images given under one number."""
    expected = {0: ([1.5, 1.375, 2.75, 1.375], [1.333333, 1.388889, 2.055556]),
                1: ([1.375, 1.25, 2.0, 1.5], [1.388889, 1.777778, 2.666667])}  # fmt: skip
    for k, (a, b) in expected.items():
        of_class = [maps[k == LABELS] for maps in MAPS]
        scores = scored(of_class, np.zeros(2, int), classes=1)
        np.testing.assert_allclose(scores["A"], a, rtol=1e-12)
        np.testing.assert_allclose(scores["B"], b, rtol=4e-7)


def test_the_absolute_value_is_taken_after_the_mean_over_a_class():
    """The specification's discriminators: other orders of the same steps give other numbers."""
    of_class = [np.abs(MAPS[0][k == LABELS]) for k in (0, 1)]
    before = np.max([maps.mean((0, 1, 2)) for maps in of_class], 0)
    np.testing.assert_allclose(before, [2.875, 3.25, 3.0, 2.75])
    np.testing.assert_allclose(np.abs(MAPS[0]).mean((0, 1, 2)), [2.8125, 2.8125, 2.625, 2.6875])
    assert not np.isclose(scored()["A"], before).any()
    turned = [np.concatenate([maps, -maps]) for maps in MAPS]  # opposite maps cancel in a class
    np.testing.assert_array_equal(scored(turned, np.tile(LABELS, 2))["A"], np.zeros(4))


@pytest.mark.parametrize(
    ("p", "a", "b"),
    [(0, [1], []), (0.3, [0, 1, 3], [0]), (0.5, [0, 1, 3], [0]), (0.8, [0, 1, 3], [0, 1])],
)
def test_example_c7_choices(p, a, b):
    graph = two_layers()
    keep = tfprune.select(graph, scored(graph=graph), ratio=p)
    assert [np.flatnonzero(~keep[name]).tolist() for name in "AB"] == [a, b]
    assert keep["head"].all()


@pytest.mark.parametrize(("p", "a", "b"), [(0.3, [0, 1], []), (0.45, [0, 1], [0])])
def test_the_rescue_example(p, a, b):
    graph = two_layers(((1, 1, 4), (1, 1, 6)))
    values = {"A": np.array([0.1, 0.2, 0.3, 0.4]), "B": np.arange(5, 11) / 10}
    scores = tfprune.Scores("gfi", values, "adaptive", "global")
    keep = tfprune.select(graph, scores, ratio=p)
    assert [np.flatnonzero(~keep[name]).tolist() for name in "AB"] == [a, b]


def test_the_bias_counts_and_what_follows_the_convolution_does_not():
    graph = two_layers(bias=-1.0)
    graph.model.get_layer("A_bn").set_weights([np.full(4, v) for v in (3.0, 2.0, 1.0, 4.0)])
    scores = scored([maps + 1 for maps in MAPS], graph=graph)
    np.testing.assert_allclose(scores["A"], I_A, rtol=1e-6)
    assert not np.isclose(scored([maps + 1 for maps in MAPS])["A"], I_A).all()


def naive(maps, labels, spatial):
    """Image by image and position by position."""
    count, height, width, channels = maps.shape
    best = np.zeros(channels)
    for c in range(channels):
        for k in set(labels.tolist()):
            total = 0.0
            for i in range(height):
                for j in range(width):
                    of_class = [float(maps[n, i, j, c]) for n in range(count) if labels[n] == k]
                    total += abs(sum(of_class) / len(of_class))
            best[c] = max(best[c], total / (height * width) if spatial == "mean" else total)
    return best


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.integers(3, 12), st.integers(1, 3), st.integers(1, 5), st.integers(0, 10**6),
    st.sampled_from(["mean", "sum"]),
)  # fmt: skip
def test_scores_agree_with_a_loop(images, size, channels, seed, spatial):
    rng = np.random.default_rng(seed)
    shapes = (size, size + 1, channels), (2, size, 3)
    maps = [(10.0 ** rng.integers(-3, 4) * rng.normal(size=(images, *shape))).astype("float32")
            for shape in shapes]  # fmt: skip
    labels = rng.permutation(np.arange(images) % 3)
    graph = two_layers(shapes, classes=3)
    scores = scored(maps, labels, graph, spatial=spatial)
    for name, of_layer in zip("AB", maps, strict=True):
        np.testing.assert_allclose(scores[name], naive(of_layer, labels, spatial), rtol=1e-6)


def test_scores_do_not_depend_on_batches_or_the_order_of_images():
    rng = np.random.default_rng(2)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="first")(image)
    x = layers.Conv2D(5, 3, name="second")(layers.ReLU()(layers.BatchNormalization()(x)))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(layers.RandomFlip()(x)))
    graph = tfprune.analyse(keras.Model(image, layers.Dense(3)(x)))
    images = rng.normal(size=(30, 8, 8, 3)).astype("float32")
    labels, order = np.arange(30) % 3, rng.permutation(30)
    whole = tfprune.score(graph, "gfi", (images, labels))
    cuts = [order[:1], order[1:8], order[8:]]
    parts = tfprune.score(graph, "gfi", [(images[cut], labels[cut]) for cut in cuts])
    for name in ("first", "second"):
        assert (whole[name] > 0).all()
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-6)


@pytest.mark.parametrize("criterion", ["gfi", "similarity"])
def test_an_activation_of_its_own_is_left_out(criterion):
    keras.utils.set_random_seed(1)
    images, weights, found = np.random.default_rng(0).normal(size=(4, 8, 8, 2)), None, []
    for fused in (True, False):
        image = keras.Input((8, 8, 2))
        x = layers.Conv2D(4, 3, activation="relu" if fused else None, name="a")(image)
        x = x if fused else layers.ReLU()(x)
        x = layers.Conv2D(3, 1, activation="tanh" if fused else None, name="b")(x)
        x = layers.GlobalAveragePooling2D()(x if fused else layers.Activation("tanh")(x))
        model = keras.Model(image, layers.Dense(2)(x))
        weights = weights or model.get_weights()
        model.set_weights(weights)
        batch = (images.astype("float32"), LABELS)
        found.append(tfprune.score(tfprune.analyse(model), criterion, batch))
        assert [model.get_layer(n).activation.__name__ for n in "ab"] == (
            ["relu", "tanh"] if fused else ["linear"] * 2
        )
    for name in "ab":
        assert np.ptp(found[0][name]) > 0.01  # not all alike
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-6)


@pytest.mark.parametrize("criterion", ["gfi", "similarity"])
def test_the_last_call_of_a_layer_counts(criterion):
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    image = keras.Input((8, 8, 3))
    conv = layers.Conv2D(3, 3, activation="relu", padding="same", name="conv")
    x = layers.GlobalAveragePooling2D()(conv(conv(image)))
    twice = keras.Model(image, layers.Dense(2)(x))
    x = layers.GlobalAveragePooling2D()(conv(image))
    once = tfprune.analyse(keras.Model(image, layers.Dense(2)(x)))
    found = tfprune.score(tfprune.analyse(twice), criterion, (images, LABELS), coupled="mean")
    last = tfprune.score(once, criterion, (conv(images).numpy(), LABELS))
    np.testing.assert_allclose(found["conv"], last["conv"], rtol=1e-6)


def test_coupled_layers_stay_whole_unless_told():
    image = keras.Input((4, 4, 2))
    x = layers.Conv2D(3, 1, name="stem")(image)
    y = layers.Conv2D(4, 3, padding="same", name="inner")(x)
    y = layers.Conv2D(3, 1, name="outer")(y)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    graph = tfprune.analyse(keras.Model(image, layers.Dense(2)(x)))
    images = np.random.default_rng(0).normal(size=(4, 4, 4, 2)).astype("float32")
    assert set(tfprune.score(graph, "gfi", (images, LABELS))) == {"inner"}
    once = iter([(images, LABELS)])  # memory for 'inner' alone: the others take none of it
    assert len(tfprune.score(graph, "gfi", once, memory_gb=8 * (2 + 2) * 4 * 4 * 4 / 1e9)) == 1
    mean = tfprune.score(graph, "gfi", (images, LABELS), coupled="mean")
    assert set(mean) == {"stem", "inner", "outer"}
    np.testing.assert_array_equal(mean["stem"], mean["outer"])


def test_half_precision_is_summed_up_in_float64():
    maps = [np.full((1000, *shape), 3.0, "float32") for shape in ((2, 2, 4), (3, 3, 3))]
    graph = two_layers(classes=1, dtype="float16")
    np.testing.assert_array_equal(scored(maps, np.zeros(1000, int), graph)["A"], np.full(4, 3.0))


@pytest.mark.parametrize("criterion", ["gfi", "similarity"])
def test_maps_may_have_their_channels_first(criterion):
    require_channels_first()
    images, weights, found = np.random.default_rng(0).normal(size=(4, 5, 6, 2)), None, []
    for layout in ("channels_last", "channels_first"):
        data = images if layout == "channels_last" else images.transpose(0, 3, 1, 2)
        image = keras.Input(data.shape[1:])
        x = layers.Conv2D(3, 2, data_format=layout, name="conv")(image)
        x = layers.GlobalAveragePooling2D(data_format=layout)(x)
        model = keras.Model(image, layers.Dense(2)(x))
        weights = weights or model.get_weights()
        model.set_weights(weights)
        batch = (data.astype("float32"), LABELS)
        found.append(tfprune.score(tfprune.analyse(model), criterion, batch)["conv"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_importance_of_sums():
    sums = np.array([[[[4.0, 0.0]], [[-2.0, 8.0]]], [[[9.0, 3.0]], [[3.0, -3.0]]]])
    np.testing.assert_array_equal(importance(sums, np.array([2, 3])), [2, 2])
    np.testing.assert_array_equal(importance(sums, np.array([2, 3]), "sum"), [4, 4])


@pytest.mark.parametrize(
    ("network", "count"),
    [
        *((f"resnet{depth}_gfi", (depth - 2) // 2) for depth in (20, 32, 44, 56, 110)),
        *((f"vgg{depth}_gfi", depth - 3) for depth in (11, 13, 16, 19)),
        ("resnet18", 8),
        ("resnet34", 16),
        ("resnet50_v1", 32 + 1),  # the stem, which the preset leaves out
        ("resnet101_v1", 66 + 1),
    ],
)
def test_the_paper_s_networks_have_the_paper_s_prunable_layers(network, count):
    graph = tfprune.analyse(models.build(network))
    names = require_uncoupled(graph, dict.fromkeys(convolutions(graph, "gfi")))
    assert len(names) == count
    stem = [name for name in names if name.startswith("stem")]
    assert stem == (["stem_conv"] if network.endswith("v1") else [])


def test_a_sweep_over_p_needs_one_scoring_pass():
    """Example C7's four p from one pass: the masks of four calls of their own."""
    graph = two_layers()
    scores = scored(graph=graph)
    for p, gone in ((0, 1), (0.3, 4), (0.5, 4), (0.8, 5)):
        keep = tfprune.select(graph, scores, ratio=p)
        _, report = tfprune.prune(graph.model, [(list(MAPS), LABELS)], "gfi", ratio=p)
        assert sum(int((~keep[name]).sum()) for name in "AB") == gone
        for name in "AB":
            np.testing.assert_array_equal(keep[name], report.keep[name])
