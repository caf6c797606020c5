"""FGP against the worked numbers of its specification and naive loops."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import PruningError

# Example F1: an image of class 0 and one of class 1, 2x2 pixels, 3 channels.
MAPS = np.array(
    [
        [[2, -1, 0, 4], [1, 1, -2, 3], [-3, 1, 2, -1]],
        [[1, 0, -2, 1], [2, -1, 4, 2], [-1, -1, 2, -4]],
    ]
)
IMAGES = np.moveaxis(MAPS.reshape(2, 3, 2, 2), 1, -1).astype("float32")
LABELS = np.array([0, 1])
WEIGHTS, BIAS = np.array([[0.8, 0.4], [-0.4, 1.2], [0.2, -0.6]]), np.array([0.1, -0.2])


def classifier(weights=WEIGHTS, bias=BIAS, **options):
    """A convolution that hands its input on, ReLU, the mean over the pixels, and the classes."""
    channels = len(weights)
    image = keras.Input((2, 2, channels))
    fused = options.pop("fused", None)
    x = layers.Conv2D(channels, 1, use_bias=False, name="conv", activation=fused, **options)(image)
    x = layers.GlobalAveragePooling2D()(x if fused else layers.ReLU()(x))
    model = keras.Model(image, layers.Dense(len(bias), name="head")(x))
    model.get_layer("conv").set_weights([np.eye(channels)[None, None]])
    model.get_layer("head").set_weights([weights, bias])
    return model


def score(batches=(IMAGES, LABELS), model=None, **options):
    graph = tfprune.analyse(classifier() if model is None else model)
    return tfprune.score(graph, "fgp", batches, **options)


EXAMPLE_F1 = [
    ({"heat_norm": "none"}, [0.0875, 0.24375, 0.0375]),
    ({"heat_norm": "layer"}, [0.2013888405, 0.2968749605, 0.0546874907]),
    ({}, [0.2013888405, 0.2968749605, 0.0546874907]),
    ({"heat_norm": "channel"}, [0.4374994531, 0.3749998889, 0.3749995000]),
    ({"heat_norm": "none", "gradient": "elementwise"}, [0.175, 0.3, 0.01875]),
]


@pytest.mark.parametrize(("options", "expected"), EXAMPLE_F1)
def test_example_f1(options, expected):
    scores = score(**options)
    assert list(scores) == ["conv"]
    np.testing.assert_allclose(scores["conv"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("number", "logits", "support"),
    [(0, [0.95, 1.45], [0.15, 0.0375, 0.01875]), (1, [-0.2, 2.1], [0.025, 0.45, 0.05625])],
)
def test_example_f1_class_by_class(number, logits, support):
    model = classifier()
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0)[number], logits, rtol=1e-5)
    scores = score(model=model, heat_norm="none", classes=[number])
    np.testing.assert_allclose(scores["conv"], support, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "threshold", "kept"),
    [
        ({"heat_norm": "none"}, 0.8, [0, 1]),
        ({"heat_norm": "none"}, 0.6, [1]),
        ({"heat_norm": "layer"}, 0.8, [0, 1]),
        ({"heat_norm": "layer"}, 0.6, [0, 1]),
        ({"heat_norm": "channel"}, 0.8, [0, 1, 2]),
        ({"heat_norm": "channel"}, 0.6, [0, 1]),
        ({"heat_norm": "none", "gradient": "elementwise"}, 0.8, [0, 1]),
        ({"heat_norm": "none", "gradient": "elementwise"}, 0.6, [1]),
    ],
)
def test_example_f1_keeps_what_carries_the_mass(options, threshold, kept):
    graph = tfprune.analyse(classifier())
    scores = tfprune.score(graph, "fgp", (IMAGES, LABELS), **options)
    keep = tfprune.select(graph, scores, threshold=threshold)
    assert np.flatnonzero(keep["conv"]).tolist() == kept
    assert keep["head"].all()


@pytest.mark.parametrize(("ratio", "kept"), [(1 / 2, [0, 1]), (2 / 3, [1])])
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_example_f1_keeps_a_count(norm, ratio, kept):
    graph = tfprune.analyse(classifier())
    scores = tfprune.score(graph, "fgp", (IMAGES, LABELS), heat_norm=norm)
    keep = tfprune.select(graph, scores, ratio=ratio)
    assert np.flatnonzero(keep["conv"]).tolist() == kept


def test_a_layer_without_support_stays_whole():
    graph = tfprune.analyse(classifier())
    scores = tfprune.score(graph, "fgp", (0 * IMAGES, LABELS))
    np.testing.assert_array_equal(scores["conv"], np.zeros(3))
    assert tfprune.select(graph, scores, threshold=0.8)["conv"].all()


def segmenter(softmax=False):
    """A convolution that hands its input on, ReLU, and two classes per pixel."""
    image = keras.Input((2, 2, 3))
    x = layers.Conv2D(3, 1, use_bias=False, name="conv")(image)
    x = layers.Conv2D(2, 1, name="head", activation="softmax" if softmax else None)(
        layers.ReLU()(x)
    )
    model = keras.Model(image, x)
    model.get_layer("conv").set_weights([np.eye(3)[None, None]])
    model.get_layer("head").set_weights([WEIGHTS[None, None], BIAS])
    return model


def example_f2():
    """The segmenter with the second class' logit such that the mask is [1, 0, 1, 1]."""
    model = segmenter()
    weights = WEIGHTS.copy()
    weights[:, 1], bias = [0, 0, 0], [0.1, 0.2]
    model.get_layer("head").set_weights([weights[None, None], np.array(bias)])
    return model


def test_example_f2():
    scores = score(
        IMAGES[:1], example_f2(), task="segmentation", classes=[0], heat_norm="none"
    )  # fmt: skip
    np.testing.assert_allclose(scores["conv"], [0.6, 0.1, 0.0375], rtol=1e-6)


def naive_support(maps, slopes, norm, elementwise=False):
    """Support of each channel, from maps and gradients [H, W, C]."""
    heat = np.zeros(maps.shape)
    for c in range(maps.shape[-1]):
        weight = slopes[..., c] if elementwise else slopes[..., c].mean()
        heat[..., c] = np.maximum(weight * maps[..., c], 0)
    if norm == "layer":
        heat = heat / (heat.max() + 1e-7)
    for c in range(maps.shape[-1] if norm == "channel" else 0):
        heat[..., c] -= heat[..., c].min()
        heat[..., c] /= heat[..., c].max() + 1e-7
    return heat.mean((0, 1))


def naive_mean(supports):
    """Means per class first: {class: supports of its images}."""
    return np.mean([np.mean(values, 0) for values in supports.values()], 0)


VARIANTS = st.sampled_from(["layer", "none", "channel"]), st.booleans()


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(2, 3), st.integers(0, 10**6), *VARIANTS)
def test_classification_equals_naive_loops(channels, classes, seed, norm, elementwise):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 4)])
    maps = rng.integers(-8, 9, (len(labels), 2, 2, channels)) / 4  # sums of these are exact
    weights = rng.integers(-8, 9, (channels, classes)) / 8
    supports = {d: [] for d in range(classes)}
    for x, label in zip(maps, labels, strict=True):
        slopes = (x > 0) * weights[:, label] / 4
        supports[label].append(naive_support(x, slopes, norm, elementwise))
    found = score(
        (np.float32(maps), labels),
        classifier(weights, np.zeros(classes)),
        heat_norm=norm,
        gradient="elementwise" if elementwise else "pooled",
        images_per_class=None,
    )
    np.testing.assert_allclose(found["conv"], naive_mean(supports), rtol=1e-6, atol=1e-9)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 10**6), st.booleans(), st.integers(1, 3))
def test_segmentation_equals_naive_loops(count, seed, labelled, limit):
    rng = np.random.default_rng(seed)
    maps = rng.integers(-8, 9, (count, 2, 2, 3)) / 4
    truth = rng.choice([0, 1, 255], (count, 2, 2))
    weights, bias = rng.integers(-8, 9, (3, 2)) / 8, rng.integers(-8, 9, 2) / 16
    supports = {0: [], 1: []}
    for x, labels in zip(maps, truth, strict=True):
        predicted = (np.maximum(x, 0) @ weights + bias).argmax(-1)
        for d, found in supports.items():
            mask = predicted == d
            if not mask.any() and labelled:
                mask = labels == d
            if mask.any() and len(found) < limit:
                slopes = (x > 0) * weights[:, d] * mask[..., None]
                found.append(naive_support(x, slopes, "layer"))
    supports = {d: found for d, found in supports.items() if found}
    model = segmenter()
    model.get_layer("head").set_weights([weights[None, None], bias])
    batches = [(np.float32(maps[i : i + 2]), truth[i : i + 2]) for i in range(0, count, 2)]
    found = score(
        batches if labelled else [x for x, _ in batches],
        model,
        task="segmentation",
        images_per_class=limit,
        classes=list(supports),
    )
    np.testing.assert_allclose(found["conv"], naive_mean(supports), rtol=1e-6, atol=1e-9)


def network():
    """Two convolutions, their normalisations, dropout and a softmax."""
    keras.utils.set_random_seed(5)
    image = keras.Input((6, 6, 2))
    x = layers.RandomFlip()(image)
    for i in (1, 2):
        x = layers.Conv2D(5, 3, name=f"conv{i}")(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"bn{i}")(x))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(3, "softmax", name="head")(x))
    rng = np.random.default_rng(6)
    for weight in (w for i in (1, 2) for w in model.get_layer(f"bn{i}").weights):
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


RANDOM = np.random.default_rng(7)
PHOTOS = RANDOM.standard_normal((9, 6, 6, 2)).astype("float32")
KINDS = np.array([0, 1, 2, 1, 1, 0, 2, 2, 2])


@pytest.mark.parametrize(
    ("most", "order"), [(None, range(9)), (None, [8, 1, 6, 4, 0, 7, 2, 3, 5]), (2, range(9))]
)
def test_scores_do_not_depend_on_batches_nor_those_of_all_images_on_their_order(most, order):
    model = network()
    whole = score((PHOTOS, KINDS), model, images_per_class=most)
    order = np.array(order)
    parts = [(PHOTOS[i], KINDS[i]) for i in (order[:1], order[1:4], order[4:])]
    pieces = score(parts, model, images_per_class=most)
    for name in ("conv1", "conv2"):
        np.testing.assert_allclose(pieces[name], whole[name], rtol=1e-6)
        assert whole[name].all()


def test_of_some_images_the_order_matters():
    model, order = network(), np.arange(8, -1, -1)
    first = score((PHOTOS, KINDS), model, images_per_class=1)
    last = score((PHOTOS[order], KINDS[order]), model, images_per_class=1)
    assert not np.allclose(first["conv1"], last["conv1"], rtol=1e-3)


def test_the_first_images_of_each_class_count_and_no_more_is_read():
    def batches():
        yield PHOTOS[:4], KINDS[:4]
        yield PHOTOS[4:8], KINDS[4:8]
        raise AssertionError("all classes were full")

    model = network()
    first = [0, 5, 1, 3, 2, 6]  # two of each class
    expected = score((PHOTOS[first], KINDS[first]), model, images_per_class=None)
    found = score(batches(), model, images_per_class=2)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


def test_classes_that_do_not_count_are_left_out():
    model = network()
    chosen = np.isin(KINDS, [0, 2])
    some = score((PHOTOS[chosen], KINDS[chosen]), model, classes=[2, 0])
    again = score((PHOTOS, KINDS), model, classes=[0, 2])
    every = score((PHOTOS, KINDS), model)
    np.testing.assert_allclose(some["conv1"], again["conv1"], rtol=1e-6)
    assert not np.allclose(every["conv1"], again["conv1"], rtol=1e-3)


def test_every_class_counts_alike_however_many_images_it_has():
    doubled = np.concatenate([IMAGES, IMAGES[:1], IMAGES[:1]]), np.array([0, 1, 0, 0])
    np.testing.assert_allclose(score(doubled)["conv"], score()["conv"], rtol=1e-6)


def test_a_fused_activation_and_a_softmax_change_nothing():
    expected = score()["conv"]
    np.testing.assert_allclose(score(model=classifier(fused="relu"))["conv"], expected, rtol=1e-6)
    linear = classifier()
    softmax = keras.Model(linear.inputs[0], layers.Softmax()(linear.outputs[0]))
    np.testing.assert_allclose(score(model=softmax)["conv"], expected, rtol=1e-6)
    masks = dict(task="segmentation", images_per_class=None, classes=[1])
    segmented = [score(IMAGES, segmenter(softmax), **masks)["conv"] for softmax in (False, True)]
    np.testing.assert_allclose(*segmented, rtol=1e-6)


def test_the_logarithm_of_a_softmax_is_cut_off_too():
    expected, linear = score()["conv"], classifier()
    image, logits = linear.inputs[0], linear.outputs[0]
    fused = classifier()
    fused.get_layer("head").activation = keras.activations.log_softmax
    layer = layers.Activation("log_softmax", name="log")
    for model in (
        fused,
        keras.Model(image, layer(logits)),
        keras.Model(image, keras.ops.log_softmax(logits)),
        keras.Model(image, keras.Model(image, layer(logits))(image)),
    ):
        (found,) = score(model=model).values()
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert fused.get_layer("head").activation is keras.activations.log_softmax
    twice = keras.Model(image, layer(layer(logits)))
    with pytest.raises(PruningError, match="calls 'log', the softmax at its end, more than once"):
        score(model=twice)


def test_half_precision_is_scored_in_float32():
    half = classifier(dtype="mixed_bfloat16")
    np.testing.assert_allclose(score(model=half)["conv"], EXAMPLE_F1[1][1], rtol=1e-6)


def test_a_layer_called_twice_adds_up_its_support():
    image = keras.Input((2, 2, 3))
    conv = layers.Conv2D(3, 1, use_bias=False, name="conv")
    x = layers.Concatenate()([conv(image), conv(2 * image)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(image, layers.Dense(2, name="head")(x))
    conv.set_weights([np.eye(3)[None, None]])
    model.get_layer("head").set_weights([np.concatenate([WEIGHTS, WEIGHTS]), BIAS])
    graph = tfprune.analyse(model)
    scores = tfprune.score(graph, "fgp", (IMAGES, LABELS), heat_norm="none")["conv"]
    np.testing.assert_allclose(scores, 3 * np.array([0.0875, 0.24375, 0.0375]), rtol=1e-6)


def test_coupled_layers_share_the_mean_of_their_shares():
    image = keras.Input((2, 2, 3))
    branches = [layers.Conv2D(3, 1, use_bias=False, name=name)(image) for name in "ab"]
    x = layers.GlobalAveragePooling2D()(layers.Add()([layers.ReLU()(x) for x in branches]))
    model = keras.Model(image, layers.Dense(2, name="head")(x))
    model.get_layer("head").set_weights([WEIGHTS, BIAS])
    for name, scale in (("a", np.eye(3)), ("b", np.diag([3, 1, 0.5]))):
        model.get_layer(name).set_weights([scale[None, None]])
    scores = score(model=model, heat_norm="none")
    own = np.array([[0.0875, 0.24375, 0.0375], [3 * 0.0875, 0.24375, 0.5 * 0.0375]])
    expected = (own / own.sum(1, keepdims=True)).mean(0)
    for name in "ab":
        np.testing.assert_allclose(scores[name], expected, rtol=1e-6)


def test_scoring_leaves_the_model_as_it_was():
    model = network()
    before, config = model.get_weights(), model.get_config()
    score((PHOTOS, KINDS), model)
    assert model.get_config() == config
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("batches", "options", "message"),
    [
        (None, {}, "'fgp' needs data: pass batches of .inputs, labels.; received None"),
        ([IMAGES], {}, "'fgp' needs labels"),
        ([], {}, "received no batch. Pass at least one"),
        ((IMAGES, LABELS * 0), {}, "class 1 of 2 has no image among the batches, and every"),
        ((IMAGES, LABELS + 1), {}, "expected class numbers from 0 to 1.* received 2. Take"),
        ((IMAGES, np.eye(2)), {}, r"expected class numbers from 0 to 1.*\(2, 2\).*argmax"),
        (
            [(IMAGES, LABELS[:1])],
            {},
            r"same number of samples .*array \(1,\)",
        ),
        ((IMAGES[..., :1], LABELS), {}, r"batch does not suit .*\(2, 2, 2, 1\)"),
        ((IMAGES * np.nan, LABELS), {}, "A batch's inputs hold NaN or infinity. Clean the data"),
        ((IMAGES, LABELS), {"heat_norm": "max"}, "Unknown heat_norm .*'max'.*channel, layer, none"),
        ((IMAGES, LABELS), {"gradient": "raw"}, "Unknown gradient .*'raw'.*elementwise, pooled"),
        (
            (IMAGES, LABELS),
            {"task": "detection"},
            "Unknown task .*classification, regression",
        ),
        (
            (IMAGES, LABELS),
            {"task": "segmentation"},
            r"outputs \['N', 'H', 'W', 'classes'\]; .* \['N', 2\]",
        ),
        ((IMAGES, LABELS), {"images_per_class": 0}, "whole number from 1 on, .* received 0"),
        ((IMAGES, LABELS), {"classes": [0, 2]}, r"class numbers from 0 to 1, .*received \[0, 2\]"),
        ((IMAGES, LABELS), {"classes": []}, r"different class numbers .*received \[\]"),
        ((IMAGES, LABELS), {"classes": [1, 1]}, r"different class numbers .*received \[1, 1\]"),
        ((IMAGES, LABELS), {"classes": 1}, "different class numbers .*received 1"),
        ((IMAGES, LABELS), {"samples": 3}, "Unknown option of criterion 'fgp' 'samples'"),
    ],
)
def test_data_and_options_that_do_not_suit_are_refused(batches, options, message):
    with pytest.raises(PruningError, match=message):
        score(batches, **options)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (None, "'fgp' needs data: pass batches of inputs; received None"),
        ([], "received no batch. Pass at least one"),
        ((IMAGES[:1] * 0 - 1), "class 0 of 2 has no image|class 1 of 2 has no image"),
        ((IMAGES, LABELS), r"of shape \['N', 'H', 'W'\]; received int64 of shape \(2,\)"),
        ((IMAGES, np.zeros((2, 4, 4))), r"masks as large .*\(2, 2, 2\); received \(2, 4, 4\)"),
        (IMAGES[..., :1], "batch does not suit"),
    ],
)
def test_masks_that_do_not_suit_are_refused(batches, message):
    with pytest.raises(PruningError, match=message):
        score(batches, segmenter(), task="segmentation")


def test_models_that_do_not_suit_are_refused():
    image = keras.Input((2, 2, 3))
    x = layers.Flatten()(image)
    dense = keras.Model(image, layers.Dense(2)(x), name="dense")
    wrong = "task='classification' expects outputs .'N', 'classes'.; .* another task of .'class"
    none = "'fgp' judges maps of 2-D convolutions; model 'dense' has none. Use another"
    for model, message in [(dense, none), (segmenter(), wrong)]:
        with pytest.raises(PruningError, match=message):
            score(model=model)
