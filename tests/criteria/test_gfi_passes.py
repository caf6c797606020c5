"""GFI-AP's memory budget, its passes over the data, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.criteria import _class_sums, gfi
from tfprune.criteria._class_sums import groups

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(9, 6, 6, 2)).astype("float32")
LABELS = np.arange(9) % 3


def two_convolutions(**shape):
    image = keras.Input(shape.get("shape", (6, 6, 2)))
    x = layers.Conv2D(5, 3, name="first")(image)  # 4 x 4: 384 bytes per channel, a batch's as well
    x = layers.Conv2D(4, 3, name="second")(layers.ReLU()(x))  # 2 x 2: 96 bytes
    return keras.Model(image, layers.Dense(3, name="head")(layers.GlobalAveragePooling2D()(x)))


GRAPH = tfprune.analyse(two_convolutions())


def scored(batches=(IMAGES, LABELS), graph=GRAPH, **options):
    return tfprune.score(graph, "gfi", batches, **options)


@pytest.mark.parametrize(
    ("bytes_", "passes"), [(10**9, 1), (4608, 1), (3840, 2), (1600, 3), (768, 6)]
)
def test_a_small_budget_takes_more_passes_and_gives_the_same_scores(monkeypatch, bytes_, passes):
    taken, of_batch = [], []
    sums, add = gfi.class_sums, _class_sums._add

    def watched(*args):
        found, counts = sums(*args)
        taken.append(sum(total.nbytes for total in found.values()))
        return found, counts

    def watched_batch(found, parts, *args):
        add(found, parts, *args)
        of_batch.append(
            sum(x.nbytes for some in (found, parts) for x in map(np.asarray, some.values()))
        )

    monkeypatch.setattr(gfi, "class_sums", watched)
    monkeypatch.setattr(_class_sums, "_add", watched_batch)
    data = [(IMAGES[:4], LABELS[:4]), (IMAGES[4:], LABELS[4:])]
    small = scored(data, memory_gb=bytes_ / 1e9)
    assert len(taken) == passes
    assert 2 * max(taken) == max(of_batch) <= bytes_
    assert sum(taken) == 5 * 384 + 4 * 96
    whole = scored()
    for name in ("first", "second"):
        np.testing.assert_allclose(small[name], whole[name], rtol=1e-6)


def test_groups_hold_every_channel_once():
    shapes = {"a": (3, 2, 7), "b": (1, 1, 20), "c": (5, 5, 1), "d": (1, 2, 9)}
    found = groups(shapes, at_once=2, memory=400)
    for name, shape in shapes.items():
        parts = [list(range(shape[-1]))[part[name]] for part in found if name in part]
        assert sum(parts, []) == list(range(shape[-1]))  # noqa: RUF017 - a few short lists
        assert all(parts)


def test_maps_of_unknown_size_take_the_images_size():
    graph = tfprune.analyse(two_convolutions(shape=(None, None, 2)))
    graph.model.set_weights(GRAPH.model.get_weights())
    np.testing.assert_allclose(scored(graph=graph)["second"], scored()["second"], rtol=1e-6)


def test_a_generator_serves_one_pass_and_labels_may_stand_in_a_column():
    batches = ((IMAGES[i : i + 3], LABELS[i : i + 3, None]) for i in (0, 3, 6))
    np.testing.assert_allclose(scored(batches)["first"], scored()["first"], rtol=1e-6)


def test_a_dataset_is_read_again():
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).shuffle(9).batch(2)
    small = scored(data, memory_gb=1e-6)
    np.testing.assert_allclose(small["first"], scored()["first"], rtol=1e-6)


def test_scoring_leaves_the_model_as_it_was():
    model = two_convolutions()
    before = model.get_weights()
    scored(graph=tfprune.analyse(model))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


class Fickle:
    """Data that gives other images each time."""

    def __init__(self):
        self.turn = 0

    def __iter__(self):
        self.turn += 1
        yield IMAGES[: -self.turn], LABELS[: -self.turn]


LARGER = RNG.normal(size=(3, 8, 8, 2)).astype("float32")


@pytest.mark.parametrize(
    ("batches", "options", "message"),
    [
        (None, {}, "'gfi' needs data: pass batches of .inputs, labels.; received None"),
        ([IMAGES], {}, "'gfi' needs labels"),
        ([], {}, "received no batch. Pass at least one"),
        ([(IMAGES, np.eye(3)[LABELS])], {}, r"shape \['N'\]; received .*\(9, 3\).*argmax"),
        ([(IMAGES, LABELS + 1)], {}, "numbers from 0 to 2, .*; received 3. Correct .*classes="),
        ([(IMAGES, LABELS + 0.5)], {}, "class numbers from 0 to 2, .*; received float64 of shape"),
        ([(IMAGES, LABELS - 1)], {}, "class numbers from 0 to 2, .*; received -1"),
        ([(IMAGES, LABELS // 2)], {"classes": 7}, "from 0 to 6; there are none of 2, 3, 4, 5, 6"),
        ([(IMAGES, LABELS)], {"classes": 40}, "none of 3, .*, 22 and 17 more"),
        ([(IMAGES[:, :1], LABELS)], {}, r"does not suit .*inputs of shapes \[\(1, 1, 6, 2\)\]"),
        ([(IMAGES, LABELS[:4])], {}, r"same number of samples .*array \(4,\)"),
        ([(IMAGES * np.nan, LABELS)], {}, "A batch's inputs hold NaN or infinity. Clean the data"),
        ([(IMAGES, LABELS)], {"spatial": "max"}, "spatial must be 'mean' or 'sum', received 'max'"),
        ([(IMAGES, LABELS)], {"memory_gb": 0}, "memory_gb must be a number above 0, received 0"),
        ([(IMAGES, LABELS)], {"memory_gb": "4"}, "memory_gb must be .*, received '4'"),
        ([(IMAGES, LABELS)], {"classes": 0}, "classes must be a whole number from 1 .*received 0"),
        ([(IMAGES, LABELS)], {"classes": 3.0}, "classes must be a whole number .*received 3.0"),
        ([(IMAGES, LABELS)], {"clases": 3}, "option of criterion 'gfi' 'clases'.*mean 'classes'"),
        (
            [(IMAGES, LABELS)],
            {"memory_gb": 7e-7},
            r"one channel of layer 'first' take 7.68e-07 GB \(6 maps of 4 x 4: .* hold\). Raise",
        ),
        (
            iter([(IMAGES, LABELS)]),
            {"memory_gb": 16e-7},
            "needs 3 passes over the data, but it is a list_iterator.*read only once",
        ),
        (Fickle(), {"memory_gb": 16e-7}, "gave 8 images, the next 7.*the same images each time"),
    ],
)  # fmt: skip
def test_data_and_options_that_do_not_suit_are_refused(batches, options, message):
    with pytest.raises(PruningError, match=message):
        scored(batches, **options)


def test_images_of_several_sizes_are_refused():
    graph = tfprune.analyse(two_convolutions(shape=(None, None, 2)))
    with pytest.raises(PruningError, match="'first' are 4 x 4 in one batch and 6 x 6 in another"):
        scored([(IMAGES, LABELS), (LARGER, LABELS[:3])], graph)


def test_a_model_without_convolutions_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    with pytest.raises(PruningError, match="'gfi' judges maps of 2-D convolutions.*has none"):
        scored(graph=tfprune.analyse(model))


def test_the_number_of_classes_of_several_outputs_is_asked_for():
    one = two_convolutions()
    twice = keras.Model(one.inputs, [one.output, one.get_layer("second").output])
    graph = tfprune.analyse(twice)
    with pytest.raises(PruningError, match=r"number of classes from the outputs.*Give classes="):
        scored(graph=graph)
    assert scored(graph=graph, classes=3)["first"].shape == (5,)
