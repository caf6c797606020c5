"""The similarity graph against the worked examples of its specification and naive loops."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from scipy.fft import dct

import models
import tfprune
from tfprune import PruningError
from tfprune.criteria.similarity import hashes
from tfprune.selection.selectors.similarity import redundant


def identity_model(channels, size, **options):
    """A convolution that hands its input on, so that its maps are whatever is fed."""
    image = keras.Input((size, size, channels))
    x = layers.Conv2D(channels, 1, name="conv", use_bias=False, **options)(image)
    x = layers.Conv2D(2, 1, name="head")(layers.ReLU()(x))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    model.get_layer("conv").set_weights([np.eye(channels, dtype="float32")[None, None]])
    return model


def similarity(maps):
    graph = tfprune.analyse(identity_model(maps.shape[-1], maps.shape[1]))
    return tfprune.score(graph, "similarity", np.float32(maps))["conv"]


def example_a71():
    f = [[1, 2, 0, -1], [0, 3, 1, 0], [2, -2, 1, 1], [0, 1, 0, 4]]
    g = [[1, 2, 0, 0], [0, 3, 1, 0], [2, -1, 1, 1], [0, 1, 0, 2]]
    return np.stack([f, g], -1)[None]


def example_a72():
    images = []
    for n in (0, 1):
        i, j = np.mgrid[:8, :8]
        base0 = (3 * i + 5 * j + 7 * n * i * j) % 13 - 6
        base1 = (i * i + 2 * j + 3 * n) % 11 - 5
        base2 = (2 * i * j + i + n) % 7 - 3
        maps = [base0, 2 * base0, base0 + 1, -base0, base1, base1 + (i == j), base2, 0 * base0]
        images.append(np.stack(maps, -1))
    return np.array(images)


UPPER = {
    (0, 1): 1.0, (0, 2): .992188, (0, 3): 0, (0, 4): .476562, (0, 5): .476562, (0, 6): .4375,
    (0, 7): .523438, (1, 2): .992188, (1, 3): 0, (1, 4): .476562, (1, 6): .4375, (2, 3): .007812,
    (2, 4): .484375, (2, 5): .484375, (2, 6): .429688, (2, 7): .515625, (3, 4): .523438,
    (3, 5): .523438, (3, 6): .5625, (3, 7): .476562, (4, 5): .96875, (4, 6): .492188,
    (4, 7): .46875, (5, 6): .492188, (5, 7): .46875, (6, 7): .539062,
}  # fmt: skip


def test_example_a71():
    np.testing.assert_array_equal(similarity(example_a71()), [[1, 0.875], [0.875, 1]])


@pytest.mark.parametrize(
    ("channel", "rows"), [(0, "1000 0100 0000 0111"), (1, "1100 0100 0000 0011")]
)
def test_example_a71_bits(channel, rows):
    bits = hashes(np.float64(example_a71()))[:, channel].reshape(4, 4)
    assert [[int(bit) for bit in row] for row in rows.split()] == bits.astype(int).tolist()


@pytest.mark.parametrize(("channel", "ones"), [(0, 35), (4, 30), (6, 35), (7, 64)])
def test_example_a72_counts_of_ones(channel, ones):
    assert hashes(np.float64(example_a72()[:1]))[:, channel].sum() == ones


def test_example_a72_similarities():
    found = similarity(example_a72())
    for (a, b), expected in UPPER.items():
        assert found[a, b] == pytest.approx(expected, abs=5.1e-7), (a, b)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize(
    ("threshold", "deleted"),
    [
        (0.70, [1, 2, 5]),
        (0.50, [0, 1, 2, 4, 5, 6]),
        (0.53, [1, 2, 3, 5, 7]),
        (0.48, [0, 1, 3, 5, 6, 7]),
        (0.45, [0, 1, 2, 5, 6, 7]),
    ],
)
def test_example_a72_selection(threshold, deleted):
    graph = tfprune.analyse(identity_model(8, 8))
    scores = tfprune.score(graph, "similarity", np.float32(example_a72()))
    keep = tfprune.select(graph, scores, threshold=threshold)
    assert np.flatnonzero(~keep["conv"]).tolist() == deleted
    assert keep["head"].all()


def test_example_a73_shows_every_case_of_the_walk():
    edges = {(0, 1): .91, (1, 2): .80, (2, 3): .82, (3, 4): .80, (2, 5): .75, (6, 7): .90,
             (8, 9): .72, (9, 10): .72, (8, 10): .72}  # fmt: skip
    matrix = np.eye(12)
    for (a, b), weight in edges.items():
        matrix[a, b] = matrix[b, a] = weight
    assert np.flatnonzero(redundant(matrix, 0.7)).tolist() == [0, 1, 4, 5, 7, 9, 10]
    graph = tfprune.analyse(identity_model(12, 2))
    scores = tfprune.Scores("similarity", {"conv": matrix}, "similarity")
    keep = tfprune.select(graph, scores, threshold=0.7)
    assert np.flatnonzero(keep["conv"]).tolist() == [2, 3, 6, 8, 11]
    assert keep["head"].all()


def naive_similarity(maps):
    """Pair by pair and image by image, with SciPy's transform."""

    def bits(plane):
        low = dct(dct(plane, axis=0), axis=1)[:8, :8]
        return (low >= low.mean()).ravel()

    channels = maps.shape[-1]
    total = np.zeros((channels, channels))
    for image in maps:
        for a in range(channels):
            for b in range(channels):
                total[a, b] += np.mean(bits(image[..., a]) == bits(image[..., b]))
    return total / len(maps)


@pytest.mark.parametrize("size", [2, 5, 8, 11])
def test_similarities_equal_naive_loops(size):
    maps = np.random.default_rng(size).standard_normal((3, size, size, 6)).astype("float32")
    np.testing.assert_allclose(similarity(maps), naive_similarity(np.float64(maps)), atol=1e-12)


def naive_walk(matrix, threshold):
    """The five cases, written out on sets."""
    count = len(matrix)
    near = {v: [u for u in range(count) if u != v and matrix[v, u] >= threshold]
            for v in range(count)}  # fmt: skip
    weight = {v: sum(round(round(float(matrix[v, u]), 2) * 100) for u in near[v]) for v in near}
    saved, deleted = set(), set()
    for v in range(count):
        if not near[v] or v in saved | deleted:
            continue
        if len(near[v]) == 1:
            other = near[v][0]
            if len(near[other]) == 1:
                saved.add(v)
                deleted.add(other)
            else:
                deleted.add(v)
            continue
        undecided = [u for u in near[v] if u not in saved | deleted]
        best = v
        for u in undecided:
            if (len(near[u]), weight[u]) > (len(near[best]), weight[best]):
                best = u
        saved.add(best)
        deleted |= {v, *undecided} - {best}
    return sorted(deleted)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 14), st.integers(0, 10**6), st.sampled_from([0.5, 0.6, 0.8]))
def test_the_walk_equals_the_cases_written_out(size, seed, threshold):
    matrix = np.round(np.random.default_rng(seed).random((size, size)), 2)
    matrix = np.maximum(matrix, matrix.T)
    gone = redundant(matrix, threshold)
    assert np.flatnonzero(gone).tolist() == naive_walk(matrix, threshold)
    assert not gone.all()


def test_scores_do_not_depend_on_batches_or_the_order_of_images():
    maps = np.random.default_rng(1).standard_normal((6, 8, 8, 5)).astype("float32")
    graph = tfprune.analyse(identity_model(5, 8))
    whole = tfprune.score(graph, "similarity", maps)["conv"]
    parts = tfprune.score(graph, "similarity", [maps[4:], maps[:1], maps[1:4]])["conv"]
    np.testing.assert_array_equal(whole, parts)


def stage():
    """A stem and a block of 4 channels, then a block of 6 whose shortcut is projected."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    for name, width, stride in (("a", 4, 1), ("b", 6, 2)):
        y = layers.Conv2D(width, 3, stride, "same", name=f"{name}1")(layers.ReLU()(x))
        y = layers.Conv2D(width, 3, padding="same", name=f"{name}2")(layers.ReLU()(y))
        x = layers.Conv2D(width, 1, stride, name=f"{name}_shortcut")(x) if stride > 1 else x
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(x)
    return tfprune.analyse(keras.Model(image, layers.Dense(2, name="head")(x)))


def test_coupled_layers_follow_the_stem_and_the_projection():
    graph = stage()
    images = np.random.default_rng(0).standard_normal((4, 8, 8, 3)).astype("float32")
    scores = tfprune.score(graph, "similarity", images)
    keep = tfprune.select(graph, scores, threshold=0.5)
    for leader, followers in (("stem", ["a2"]), ("b_shortcut", ["b2"])):
        np.testing.assert_array_equal(keep[leader], ~redundant(scores[leader], 0.5))
        assert not keep[leader].all()
        for name in followers:
            np.testing.assert_array_equal(keep[name], keep[leader])
    for name in ("a1", "b1"):
        np.testing.assert_array_equal(keep[name], ~redundant(scores[name], 0.5))
    tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))


def test_a_square_dense_layer_follows_the_convolution_it_reads():
    image = keras.Input((1, 1, 3))
    x = layers.Flatten()(layers.Conv2D(5, 1, name="conv")(image))
    x = layers.Dense(5, name="square")(x)
    graph = tfprune.analyse(keras.Model(image, layers.Dense(4, name="head")(x)))
    matrix = np.eye(5)
    matrix[1, 3] = matrix[3, 1] = 0.9
    scores = tfprune.Scores("similarity", {"conv": matrix}, selector="similarity")
    for amount in ({"threshold": 0.7}, {"macs": 0.73}):
        keep = tfprune.select(graph, scores, **amount)
        for name in ("conv", "square"):
            assert np.flatnonzero(~keep[name]).tolist() == [3], amount
    for amount in ({"threshold": 0.7}, {"macs": 0.87}):
        keep = tfprune.select(graph, scores, **amount, exclude=["square"])
        assert np.flatnonzero(~keep["conv"]).tolist() == [3], amount
        assert keep["square"].all(), amount
        tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0.5}, "expected threshold=.* received ratio=0.5"),
        ({"threshold": 1.5}, "received threshold=1.5"),
        ({"threshold": 0.7, "round_to": 8}, "round_to has no effect on a threshold"),
    ],
)
def test_amounts_other_than_a_threshold_are_refused(options, message):
    graph = tfprune.analyse(identity_model(8, 8))
    scores = tfprune.score(graph, "similarity", np.float32(example_a72()))
    with pytest.raises(PruningError, match=message):
        tfprune.select(graph, scores, **options)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (None, "needs data: pass batches of inputs; received None"),
        ([], "received no batch"),
        (np.zeros((1, 8, 8, 3), "float32"), "does not suit the model .*inputs of shapes"),
        ([("a", "b")], "expected inputs as arrays or tensors, received str"),
        (np.full((1, 8, 8, 8), np.nan, "float32"), "inputs hold NaN or infinity"),
    ],
)
def test_data_that_it_cannot_read_are_refused(batches, message):
    with pytest.raises(PruningError, match=message):
        tfprune.score(tfprune.analyse(identity_model(8, 8)), "similarity", batches)


def test_a_model_without_convolutions_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    with pytest.raises(PruningError, match="judges maps of 2-D convolutions; model .* has none"):
        tfprune.score(tfprune.analyse(model), "similarity", np.zeros((1, 4)))


@pytest.mark.parametrize("criterion", ["similarity", "hrank"])
def test_no_bit_and_no_rank_of_a_deep_network_depends_on_the_batches(criterion):
    graph = tfprune.analyse(models.build("resnet20", num_classes=10, input_shape=(32, 32, 3)))
    images = np.random.default_rng(0).standard_normal((7, 32, 32, 3)).astype("float32")
    whole = tfprune.score(graph, criterion, images)
    parts = tfprune.score(graph, criterion, [images[:1], images[1:3], images[3:]])
    assert len(whole) == len(parts) > 18
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name])
