"""Images that a quota takes, of which workers (threads of one process) read each its own."""

import numpy as np
import pytest

from tests.distribution.conftest import Meeting
from tfprune.criteria._class_samples import Chosen, Quota
from tfprune.distribution import workers
from tfprune.passes.parts import Parts

CLASSES = np.random.default_rng(0).integers(0, 4, 50)  # 3 does not count
SIZE, COUNT = 4, 13


class _Data:
    skipped = ()

    def skip(self, names):
        """There are none."""


def chosen(most, read):
    """Numbered images that a quota takes; `read` is told of the parts that are read."""

    def some(numbers):
        for number in numbers:
            read.append(number)
            own = np.arange(50)[number * SIZE : (number + 1) * SIZE]
            yield own, CLASSES[own]

    return Chosen(Parts(some, COUNT, _Data(), "the example"), Quota([0, 1, 2], most))


def naive(most):
    """The first images of each class."""
    places = [np.flatnonzero(number == CLASSES)[:most] for number in range(3)]
    return sorted(np.concatenate(places).tolist())


@pytest.mark.parametrize("most", [None, 1, 3, 10])
def test_one_takes_the_first_of_each_class_and_reads_no_more(most):
    read = []
    taken = [image for images, _ in chosen(most, read) for image in images.tolist()]
    assert taken == naive(most)
    assert len(read) == (COUNT if most is None else taken[-1] // SIZE + 1)


@pytest.mark.parametrize("most", [None, 1, 3, 10])
@pytest.mark.parametrize("each", [1, 2])
def test_workers_take_what_one_does_and_read_their_own(monkeypatch, most, each):
    meeting, of = Meeting(3), 3 * each
    monkeypatch.setattr(workers, "number", lambda: meeting.local.number)
    monkeypatch.setattr(workers, "count", lambda: meeting.count)
    monkeypatch.setattr(workers, "_exchanged", meeting.joined)
    read = [[], [], []]

    def work(number):
        parts, taken = chosen(most, read[number]), {}
        replicas = range(number * each, (number + 1) * each)
        rounds = parts.own(replicas, of)
        for start in range(0, COUNT, of):
            if parts.is_full:
                break
            for replica, (images, classes) in zip(replicas, next(rounds), strict=True):
                np.testing.assert_array_equal(classes, CLASSES[images])
                if start + replica < COUNT:
                    taken[start + replica] = images.tolist()
        parts.end(0)
        return taken

    found = {place: images for taken in meeting.run(work) for place, images in taken.items()}
    assert [image for place in sorted(found) for image in found[place]] == naive(most)
    last = max(found)
    for number, own in enumerate(read):
        assert all(place // each % 3 == number for place in own if place < COUNT - 1)
        assert max(own) <= last
