"""The grid is whole, goes on where it stopped, and gives every method the same images."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

import tfprune.data
from benchmarks.grid import cells, computing, material, running, table
from tfprune import criteria, plugins
from tfprune.data.preprocessing import Preprocessing

CELL = cells.Cell("tiny", "l2", "layer", 0.5, 0, "cut")


@pytest.fixture(scope="module")
def data():
    """Small colour images in the form of CIFAR-10's."""
    rng = np.random.default_rng(0)

    def split(count):
        labels = np.arange(count) % 10
        images = rng.integers(0, 255, (count, 8, 8, 3)).astype(np.uint8)
        images[..., 0] = (20 * labels)[:, None, None]
        statistics = tfprune.data.statistics.measure(images, 255)
        return tfprune.data.Split(tfprune.data.Arrays(images, labels), statistics=statistics)

    names = tuple("abcdefghij")
    return tfprune.data.DataSet("tiny", 10, (8, 8, 3), names, split(60), None, split(50))


def tiny(name="tiny"):
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(8, 3, padding="same", name="second")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name=name)


def test_no_criterion_is_forgotten():
    soft = {"sfp"}  # differs from l2 by its training only
    judged = {judge.method for judge in cells.JUDGES.values()}
    assert judged == set(plugins.names(criteria)) - soft


def test_cheap_stages_come_first_and_have_more_draws():
    found = list(cells.cells(["a"], ["l2"]))
    assert len(found) == len(set(found))
    order = [cell.stage for cell in found]
    assert max(i for i, s in enumerate(order) if s == "batchnorm") < order.index("1 epoch")
    assert order.count("cut") == 2 * order.count("5 epochs") == 120


def test_a_row_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "grid.csv"
    other = replace(CELL, judge="similarity, mean", scope="", draw=3)
    table.append(path, CELL, {"accuracy": 0.5})
    table.append(path, other, {"note": "one, two"})
    found = table.read(path)
    assert list(found) == [CELL, other]
    assert found[CELL]["accuracy"] == "0.5"
    assert found[other]["note"] == "one, two"


def test_a_torn_row_is_dropped_and_the_next_one_is_whole(tmp_path):
    path = tmp_path / "grid.csv"
    table.append(path, CELL, {"accuracy": 0.5})
    path.write_bytes(path.read_bytes() + b"tiny,l2,lay")
    other = replace(CELL, draw=1)
    table.append(path, other, {"accuracy": 0.25})
    assert list(table.read(path)) == [CELL, other]


def test_a_column_that_the_table_has_not_is_refused(tmp_path):
    with pytest.raises(KeyError, match="accurracy"):
        table.append(tmp_path / "grid.csv", CELL, {"accurracy": 1})


def test_methods_share_a_draws_images_and_draws_differ(data):
    first, again, other = (material.Images(data, draw) for draw in (0, 0, 1))
    np.testing.assert_array_equal(first.sample(20)[0], again.sample(40)[0][:20])
    assert not np.array_equal(first.sample(20)[1], other.sample(20)[1])
    one, same = (next(iter(x.training(16).epoch(0)))[0] for x in (first, again))
    np.testing.assert_array_equal(one, same)


def test_five_draws_see_the_whole_test_split_once(data):
    parts = [material.Images(data, draw).test(whole=False)[0] for draw in range(5)]
    whole = material.Images(data, 0).test(whole=True)[0]
    assert sum(map(len, parts)) == len(whole)
    assert {x.tobytes() for part in parts for x in part} == {x.tobytes() for x in whole}


@pytest.mark.parametrize("own", [True, False])
def test_training_sees_images_normalised_as_the_others(data, own):
    given = Preprocessing.of(data, "channel") if own else None
    images = material.Images(replace(data, augment="none"), 0, given)
    assert images.normalisation == ("channel" if own else "imagenet")
    batch, _ = next(iter(images.training(len(data.train)).epoch(0)))
    shown = {x.tobytes() for x in np.round(batch, 4) + 0.0}
    every = material.normalised(data.train.images, images.statistics)
    assert shown == {x.tobytes() for x in np.round(every, 4) + 0.0}


def test_the_table_is_filled_and_goes_on_where_it_stopped(data, tmp_path):
    path = tmp_path / "grid.csv"
    stages = ("cut", "batchnorm", "reconstruction", "1 epoch")
    scopes = ["sensitivity"]
    wanted = list(cells.cells(["tiny"], ["l2", "obs"], scopes, [0.5], stages, draws=1))
    assert running.fill(path, wanted[:3], tiny, data) == 3
    told = []
    assert running.fill(path, wanted, tiny, data, lambda cell, _: told.append(cell)) == 5
    assert told == wanted[3:]
    found = table.read(path)
    assert list(found) == wanted
    for cell, row in found.items():
        assert 0 <= float(row["accuracy"]) <= 1
        assert int(row["images"]) == (50 if cell.stage == "1 epoch" else 10)
        assert int(row["macs"]) < tfprune.cost(tiny()).macs
        assert row["commit"]
        assert row["normalisation"] == "imagenet"


def test_an_amount_out_of_reach_is_noted_and_not_tried_again(data, tmp_path):
    path = tmp_path / "grid.csv"
    far = replace(CELL, share=0.001)
    running.fill(path, [far], tiny, data)
    assert "cannot be reached" in table.read(path)[far]["note"]
    assert running.fill(path, [far], tiny, data) == 0


def test_equal_masks_are_measured_once_after_the_cut(data, monkeypatch):
    bench = computing.Bench(tiny(), material.Images(data, 0))
    counted = []
    measure = computing.evaluate
    monkeypatch.setattr(
        computing, "evaluate", lambda *a, **k: counted.append(1) or measure(*a, **k)
    )
    first = bench.measure(CELL)
    bench.measure(replace(CELL, judge="random"))
    again = bench.measure(CELL)
    assert len(counted) == 2
    assert first["accuracy"] == again["accuracy"]
