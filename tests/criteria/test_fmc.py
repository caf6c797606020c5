"""FP-FMC as a whole: its worked example, and a reference from scikit-learn's parts."""

import functools

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

import tfprune
from tests.criteria.clustering.test_redundancy import LABELS, naive
from tfprune import PruningError
from tfprune.criteria.fmc.images import _entropy, digest


def identity_model(channels, size=4, branch=False, activation="relu", strides=1):
    """A convolution that hands its input on, so that its maps are whatever is fed."""
    image = keras.Input((size, size, channels), name="image")
    x = layers.Conv2D(channels, 1, strides, name="conv", use_bias=False)(image)
    x = layers.Conv2D(2, 1, name="head")(layers.Activation(activation, name="act")(x))
    if branch:
        x = layers.Concatenate()([x, layers.Conv2D(3, 3, padding="same", name="branch")(image)])
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x))
    model.get_layer("conv").set_weights([np.eye(channels, dtype="float32")[None, None]])
    return model


GRAPH = tfprune.analyse(identity_model(12))


def images(count=6, channels=12):
    """Maps in groups of three that look alike on every image."""
    rng = np.random.default_rng(1)
    maps = np.repeat(rng.random((count, 4, 4, channels // 3)), 3, axis=-1)
    return np.float32(maps + 0.1 * rng.random(maps.shape))


def fmc(batches, graph=GRAPH, **options):
    return tfprune.score(graph, "fmc", batches, workers=1, **options)


@functools.cache
def first():
    return fmc(images())


def index_of(scores):
    """The redundancy index without what decides between equal ones."""
    assert abs(scores - np.rint(scores)).max() < 1e-4
    return -np.rint(scores)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("label", [-4, 18, 16, 30, 30, 21, 18, 9]),
        ("literal", [-6, 12, 16, 30, 30, 21, 18, 11]),
    ],
)
def test_the_worked_example(tmp_path, index, expected):
    graph = tfprune.analyse(identity_model(8))
    fmc(images(4, 9)[..., :8], graph, cache_dir=tmp_path)
    for step in (tmp_path / "step2_index").rglob("conv.npy"):
        step.unlink()
    np.save(tmp_path / "step1_labels" / "conv.npy", LABELS)
    scores = fmc(images(4, 9)[..., :8], graph, cache_dir=tmp_path, index=index)
    np.testing.assert_array_equal(index_of(scores["conv"]), expected)
    assert np.load(tmp_path / "step2_index" / index / "conv.npy").tolist() == expected
    keep = tfprune.select(graph, scores, ratio=0.5)
    assert np.flatnonzero(keep["conv"]).tolist() == [0, 1, 2, 7]


def reference(batch, seed=0):
    """The definition from scikit-learn's parts, image by image."""
    points, inside, counts = [], [], []
    for image in batch:
        entropy = _entropy(seed, "conv", digest([image[None]]))
        rows = image.reshape(-1, image.shape[-1]).T.astype(float)
        rows /= rows.max(1, keepdims=True)
        start = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        tsne = TSNE(init="random", perplexity=1.0, max_iter=1000, random_state=start)
        points.append(tsne.fit_transform(np.float32(rows)))
        q1, q3 = np.quantile(points[-1].astype(float), [0.25, 0.75], axis=0)
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
        inside.append(((points[-1] > low) & (points[-1] < high)).all(1))
        left = points[-1][inside[-1]]
        values = [silhouette_score(left, clusters(left, k)) for k in range(2, len(left))]
        counts.append(2 + int(np.argmax(values)))
    numbers, times = np.unique(counts, return_counts=True)
    labels = np.full((len(batch), batch.shape[-1]), -1)
    for row, place, mask in zip(labels, points, inside, strict=True):
        row[mask] = clusters(place[mask], min(numbers[times.argmax()], mask.sum()))
    return naive(labels, "label"), counts


def clusters(points, count):
    return KMeans(count, n_init=10, random_state=0).fit(points).labels_


def test_scores_equal_a_reference_from_scikit_learns_parts(tmp_path):
    batch = images(4) + np.float32(0.5 * np.random.default_rng(2).random((4, 4, 4, 12)))
    with threadpool_limits(1):
        expected, counts = reference(batch)
    scores = fmc(batch, cache_dir=tmp_path)
    np.testing.assert_array_equal(index_of(scores["conv"]), expected)
    assert sorted(np.load(tmp_path / "step0_K" / "conv.npy").tolist()) == sorted(counts)
    assert len(set(expected.tolist())) > 3
    assert (scores.selector, scores.scope, scores.comparable) == ("ranking", "layer", False)


def test_scores_do_not_depend_on_batches_order_processes_or_what_else_is_scored():
    whole = first()["conv"]
    parts = [images()[4:], images()[:1], images()[1:4]]
    np.testing.assert_array_equal(fmc(parts)["conv"], whole)
    larger = fmc(images(), tfprune.analyse(identity_model(12, branch=True)))
    assert sorted(larger) == ["branch", "conv", "head"]
    np.testing.assert_array_equal(larger["conv"], whole)
    with joblib.parallel_config(backend="threading"):
        shared = tfprune.score(GRAPH, "fmc", images(), workers=3)
    np.testing.assert_array_equal(shared["conv"], whole)


@pytest.mark.slow
def test_processes_start_without_a_word(capfd):
    joblib.externals.loky.get_reusable_executor(max_workers=2).shutdown()  # of earlier tests
    tfprune.score(GRAPH, "fmc", images(5), workers=2)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_processes_give_the_same_scores():
    shared = tfprune.score(GRAPH, "fmc", images(9), workers=2)
    np.testing.assert_array_equal(shared["conv"], fmc(images(9))["conv"])


def two_inputs(dtype=None):
    """Inputs p and q, their outputs, and what is fed to p."""
    x = {name: keras.Input((4, 4, 3), name=name) for name in "pq"}
    start = keras.initializers.GlorotUniform(seed=0)
    conv = layers.Conv2D(6, 3, name="conv", dtype=dtype, kernel_initializer=start)
    y = layers.ReLU()(conv(layers.Add()(list(x.values()))))
    y = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(y)))
    return x, y, np.random.default_rng(0).standard_normal((3, 4, 4, 3)).astype("float32")


def test_a_dataset_of_named_inputs_and_a_model_in_half_precision():
    x, y, batch = two_inputs("mixed_bfloat16")
    graph = tfprune.analyse(keras.Model(x, y))
    dataset = tf.data.Dataset.from_tensor_slices(({"p": batch, "q": -2 * batch}, [0, 1, 0]))
    parted, whole = (fmc(dataset.batch(size), graph)["conv"] for size in (2, 3))
    np.testing.assert_array_equal(parted, whole)
    assert len(set(index_of(whole).tolist())) > 1


@pytest.mark.parametrize("kind", [list, tuple])
def test_two_inputs_in_a_row_score_like_named_ones(kind):
    x, y, batch = two_inputs()
    fed = {"p": batch, "q": -2 * batch}
    graphs = [tfprune.analyse(keras.Model(inputs, y)) for inputs in (x, list(x.values()))]
    named = fmc([(fed, [0, 1, 0])], graphs[0])
    in_a_row = fmc([(kind(fed.values()), [0, 1, 0])], graphs[1])
    np.testing.assert_array_equal(in_a_row["conv"], named["conv"])
    assert len(set(index_of(named["conv"]).tolist())) > 1


def test_the_seed_and_the_index_decide():
    whole = first()["conv"]
    np.testing.assert_array_equal(fmc(images(), seed=0)["conv"], whole)
    assert not np.array_equal(fmc(images(), seed=1)["conv"], whole)
    assert not np.array_equal(fmc(images(), index="literal")["conv"], whole)


def scatter(rows, seed):
    """Stand in for t-SNE, which amplifies rounding: equal rows share a place, others move."""
    kinds, number = np.unique(rows, axis=0, return_inverse=True)
    places = np.random.default_rng(0).random((len(kinds), 2))  # apart enough for any rounding
    return np.random.default_rng(seed).permutation(places)[number]


def test_filters_that_always_look_alike_are_the_most_redundant(monkeypatch):
    monkeypatch.setattr("tfprune.criteria.fmc.images.embed", scatter)
    batch = images()
    batch[..., 3:] = np.random.default_rng(3).random(batch[..., 3:].shape)
    batch[..., 1] = batch[..., 2] = batch[..., 0]
    index = index_of(fmc(batch)["conv"])
    assert set(np.argsort(index)[-3:].tolist()) == {0, 1, 2}
    assert index[:3].min() > index[3:].max()


def test_coupled_layers_are_scored_by_the_sum():
    x = keras.Input((4, 4, 3))
    y = layers.ReLU()(layers.Conv2D(6, 3, padding="same", name="a")(x))
    z = layers.ReLU()(layers.Add()([y, layers.Conv2D(6, 3, padding="same", name="b")(y)]))
    z = layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(z))
    graph = tfprune.analyse(keras.Model(x, z))
    batch = np.random.default_rng(0).standard_normal((3, 4, 4, 3)).astype("float32")
    scores, leader = fmc(batch, graph), fmc(batch, graph, coupled="leader")
    np.testing.assert_array_equal(scores["a"], scores["b"])
    assert sorted(scores) == ["a", "b"]
    mean = fmc(batch, graph, coupled="mean")["a"]
    np.testing.assert_array_equal(scores["a"], 2 * mean)
    assert not np.array_equal(leader["a"], mean)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (None, "Criterion 'fmc' needs data: pass batches of inputs; received None"),
        ([], "Criterion 'fmc' received no batch"),
        (images(1), "expected at least 2 images, received 1"),
        (np.zeros((2, 4, 4, 3), "float32"), "does not suit the model .*inputs of shapes"),
        ([("a", "b")], "expected inputs as arrays or tensors, received str"),
        ([np.float32(3)], r"expected inputs as arrays or tensors, received array \(\)"),
        (
            [{"a": images(2), "b": images(3)}],
            r"inputs named \[.*\], received \['a', 'b'\]",
        ),
        (np.full((2, 4, 4, 12), np.nan, "float32"), "inputs hold NaN or infinity"),
    ],
)
def test_data_that_it_cannot_read_are_refused(batches, message):
    with pytest.raises(PruningError, match=message):
        fmc(batches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "median"}, "Unknown redundancy index .*'median'.*label, literal"),
        ({"seed": -1}, "seed must be a whole number from 0 on, received -1"),
        ({"cluster_stride": 0}, "cluster_stride must be a whole number from 1 on, received 0"),
        ({"workers": 0.5}, "workers must be a whole number from 1 on, received 0.5"),
        ({"progress": 3}, "progress must be a function of .*received 3"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.score(GRAPH, "fmc", images(), **options)


def test_a_model_without_maps_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    with pytest.raises(PruningError, match="needs feature maps of 2-D convolutions; .* has none"):
        fmc(np.zeros((2, 4)), tfprune.analyse(model))
