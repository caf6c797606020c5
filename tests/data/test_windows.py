"""What replicas read alone makes up the batches that one reads."""

import numpy as np
import pytest
import tensorflow as tf

import tfprune.data
from tests.data.photographs import write
from tfprune.data.windows import Windows


def filled(windows):
    """The turns of each window."""
    places = np.full(windows.count, -1)
    places[windows.positions] = windows.turns
    parts = np.split(places, range(windows.size, windows.count, windows.size))
    return [part[part >= 0].tolist() for part in parts if len(part)]


def by_tensorflow(samples, batch, replicas):
    """The batches as TensorFlow divides them among replicas, by the size of each share."""
    for start in range(0, samples, batch):
        turns = list(range(start, min(start + batch, samples)))
        share = -(-len(turns) // replicas)
        if share * (replicas - 1) >= len(turns):
            turns = turns[: len(turns) - len(turns) % replicas]
            share = len(turns) // replicas
        if turns:
            yield [turns[share * i : share * (i + 1)] for i in range(replicas)]


CASES = [(20, 8, 2), (21, 8, 4), (17, 8, 4), (25, 8, 8), (9, 4, 3), (3, 8, 4), (5, 5, 1)]


@pytest.mark.parametrize(("samples", "batch", "replicas"), CASES)
@pytest.mark.parametrize("drop", [False, True])
def test_shares_are_tensorflows(samples, batch, replicas, drop):
    kept = samples - samples % batch if drop else samples
    wanted = list(by_tensorflow(kept, batch, replicas))
    whole = Windows.batches(samples, batch, drop_remainder=drop)
    for size in (n for n in range(1, replicas + 1) if replicas % n == 0):
        of_workers = [
            filled(whole.shares(range(first, first + size), replicas))
            for first in range(0, replicas, size)
        ]
        for step, parts in enumerate(wanted):
            found = [own[step * size + i] for own in of_workers for i in range(size)]
            assert found == parts
        assert {len(own) for own in of_workers} == {len(wanted) * size}


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "images", ["cat", "dog"], 14, size=(16, 24), suffix="png")


def collected(dataset):
    return [(x.numpy(), y.numpy()) for x, y in dataset]


def epochs(split, augment="random_resized_crop_flip", **more):
    return split.epochs(6, shuffle=True, augment=augment, seed=3, **more)


@pytest.mark.parametrize("augment", ["none", "random_resized_crop_flip"])
@pytest.mark.parametrize("broken", [0, 3])
def test_photographs_of_all_workers_are_those_of_one(root, augment, broken):
    for path in sorted(root.rglob("*.png"))[2 : 2 + broken]:
        path.write_bytes(b"no picture")
    train = tfprune.data.load("folder", data_dir=root, validation_size=0).train
    whole = collected(epochs(train, augment).epoch(1))
    shares = [collected(epochs(train, augment).shared(1, range(i, i + 1), 2)) for i in range(2)]
    assert sum(len(x) for x, _ in whole) == len(train) - len(train.skipped)
    for (images, labels), *parts in zip(whole, *shares, strict=True):
        np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), images)
        np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), labels)


def test_a_worker_reads_its_own_share_alone(root):
    train = tfprune.data.load("folder", data_dir=root, validation_size=0).train
    for place in train.places:
        open(train.source.name(place), "wb").close()
    own = epochs(train).shared(0, range(1, 2), 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a replica takes of a batch can be"):
        next(iter(own))
    order = epochs(train)._order(0)
    turns = Windows.batches(len(order), 6).shares(range(1, 2), 2).turns
    assert train.skipped
    assert set(train.skipped) <= {train.source.name(place) for place in order[turns]}


@pytest.mark.parametrize("where", ["in memory", "augmented as a batch"])
def test_what_is_made_whole_is_not_shared_out(root, where):
    if where == "in memory":
        data = tfprune.data.load("digits").train.epochs(8)
    else:
        train = tfprune.data.load("folder", data_dir=root, validation_size=0).train
        data = epochs(train, "crop_flip")
    assert data.shared(0, range(1), 2) is None


def test_a_damaged_photograph_moves_no_other(root):
    train = tfprune.data.load("folder", data_dir=root, validation_size=0).train
    before = collected(epochs(train, "none").epoch(0))
    bad = train.source.name(epochs(train)._order(0)[7])
    open(bad, "wb").close()
    again = tfprune.data.load("folder", data_dir=root, validation_size=0).train
    after = collected(epochs(again, "none").epoch(0))
    assert again.skipped == (bad,)
    np.testing.assert_array_equal(after[1][0], np.delete(before[1][0], 1, axis=0))
    for place in (0, 2, len(before) - 1):
        np.testing.assert_array_equal(after[place][0], before[place][0])
