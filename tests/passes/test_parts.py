"""Parts that workers read each its own of make up what one reads alone."""

import logging

import numpy as np
import pytest

import tfprune.data
from tests.data.photographs import write
from tfprune.errors import PruningError
from tfprune.passes.parts import Parts, in_parts, peeked
from tfprune.training.feeding import feed


def numbered(count, read=None):
    """Parts that hold their own numbers, and a list of those that were read."""
    read = [] if read is None else read

    def some(numbers):
        for number in numbers:
            read.append(number)
            yield (np.full(1, number),)

    return Parts(some, count, None, "the example")


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("each", [1, 2])
def test_every_part_is_one_replicas_and_no_other_is_read(count, workers, each):
    of, taken = workers * each, {}
    for worker in range(workers):
        read = []
        replicas = range(worker * each, (worker + 1) * each)
        for turn, own in enumerate(numbered(count, read).own(replicas, of)):
            for replica, (part,) in zip(replicas, own, strict=True):
                wanted = turn * of + replica
                assert part.item() == min(wanted, count - 1)
                if wanted < count:
                    taken[wanted] = taken.get(wanted, 0) + 1
        assert set(read) - {count - 1} == {n for n in range(count - 1) if n % of in replicas}
        assert len(set(read)) == len(read)
    assert taken == dict.fromkeys(range(count), 1)


def test_iterated_it_gives_all_parts_but_empty_ones():
    parts = Parts(lambda numbers: [(np.zeros(n % 2),) for n in numbers], 4, None, "the example")
    assert [len(x) for (x,) in parts] == [1, 1]


def test_the_first_part_is_there_again():
    for parts in (numbered(3), ((np.full(1, n),) for n in range(3))):
        (first,), every = peeked(parts)
        assert (first.item(), [x.item() for (x,) in every]) == (0, [0, 1, 2])


@pytest.fixture
def split(tmp_path):
    root = write(tmp_path / "images", ["cat", "dog"], 11, size=(16, 24), suffix="png")
    for path in sorted(root.rglob("*.png"))[3:8]:
        path.write_bytes(b"no picture")
    return tfprune.data.load("folder", data_dir=root, validation_size=0).train


@pytest.mark.parametrize("size", [None, 4])
def test_photographs_come_as_from_their_batches(split, size):
    data = split.epochs(5, shuffle=True, augment="random_resized_crop_flip")
    wanted = list((data if size is None else split.epochs(
        size, shuffle=True, augment="random_resized_crop_flip")).epoch(0))  # fmt: skip
    parts = in_parts(data, None, "the example", lambda n, b: (b.inputs, b.labels), size=size)
    found = list(parts)
    assert parts.count == -(-len(split) // (size or 5))
    for (images, labels), (x, y) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(images, x)
        np.testing.assert_array_equal(labels, y)


@pytest.mark.parametrize("where", ["photographs", "arrays"])
@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_some_batches_are_those_of_the_epoch(split, where, augment):
    split = split if where == "photographs" else tfprune.data.load("digits").validation
    data = split.epochs(7, shuffle=True, augment=augment, limit=20)
    every = list(data.some(2, range(len(data))))
    assert [len(x) for x, _ in every][-1] <= 6
    for number, (images, labels) in zip((0, 2), data.some(2, [0, 2]), strict=True):
        np.testing.assert_array_equal(images, every[number][0])
        np.testing.assert_array_equal(labels, every[number][1])


def test_batches_that_are_augmented_whole_keep_their_size(split):
    assert split.epochs(5, augment="crop_flip").resized(4) is None
    assert split.epochs(5, drop_remainder=True).resized(4) is None
    assert split.epochs(5, augment="crop_flip").resized(5) is not None


def test_no_more_images_are_taken_than_the_limit(split):
    data = split.epochs(8, limit=10)
    assert len(data) == 2
    assert data._order(0).tolist() == split.places[:10].tolist()
    with pytest.raises(PruningError, match=r"limit must be a whole number from 1 on, rec.* 0"):
        split.epochs(8, limit=0)


def test_all_learn_what_one_could_not_read(split, caplog):
    parts = in_parts(split.epochs(5), None, "the example")
    with caplog.at_level(logging.WARNING):
        parts.data.skip(["a.png", "a.png"])
    assert caplog.text.count("Skipped: a.png") == 1
    parts.end(1)
    assert split.skipped == ("a.png",)
    with pytest.raises(PruningError, match=r"the example received no batch"):
        parts.end(0)


def test_figures_are_of_batches_as_they_come_and_of_none_too_large():
    split = tfprune.data.load("digits").validation
    source = feed(split.epochs(50), None, "the example")
    assert [len(labels) for _, labels in source.apart(1000)][:2] == [50, 50]
    assert [len(labels) for _, labels in source.apart(16)][:2] == [16, 16]
    assert feed((np.zeros((5, 3)), np.zeros(5))).apart(16) is None
