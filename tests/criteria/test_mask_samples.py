"""FGP of masks by several workers (threads of one process), of which each reads its own alone."""

import numpy as np
import pytest
import tensorflow as tf

from tests.distribution.conftest import Meeting
from tfprune.criteria import fgp
from tfprune.distribution import workers
from tfprune.passes import divided
from tfprune.passes.replicas import Replicas

DRAWS = np.random.default_rng(3)
IMAGES = DRAWS.normal(size=(23, 8, 8, 3)).astype("float32")
MASKS = DRAWS.integers(0, 3, (23, 8, 8))
MASKS[:, :3] = 255


class _Data:
    """Images with masks in parts, as those of `tfprune.data`; some are damaged."""

    def __init__(self, size=23, damaged=(4, 6, 7, 22)):
        self.size, self.read, self.skipped, self.damaged = size, [], [], damaged

    def __len__(self):
        return (22 + self.size) // self.size

    def resized(self, size):
        self.size = size
        return self

    def some(self, epoch, numbers):
        for number in numbers:
            own = range(23)[number * self.size : (number + 1) * self.size]
            self.read.extend(own)
            self.skipped = sorted({*self.skipped, *(f"{i}" for i in own if i in self.damaged)})
            own = [i for i in own if i not in self.damaged]
            yield tf.constant(IMAGES[own]), tf.constant(MASKS[own])

    def skip(self, names):
        self.skipped = sorted({*self.skipped, *names})


class _Replicas(Replicas):
    """One replica of each thread."""

    def __init__(self, strategy, meeting):
        super().__init__(strategy)
        self.count, self.numbers = meeting.count, [meeting.local.number]

    def function(self, step, specs):
        return Replicas(self.strategy).function(step, specs)


def support(segmenter, data, most, classes=None):
    return fgp.class_support(
        segmenter, data, task="segmentation", images_per_class=most, classes=classes
    )


# Samples at a time, of three classes; images of each.
@pytest.mark.parametrize(("size", "most"), [(1, 2), (2, None), (6, 9), (32, 2)])
def test_workers_find_what_one_does_to_the_bit(monkeypatch, segmenter, size, most):
    monkeypatch.setattr(fgp, "micro_batch", lambda graph: size)
    alone, meeting = _Data(), Meeting(3)
    wanted = support(segmenter, alone, most)
    given = [_Data() for _ in range(3)]
    monkeypatch.setattr(workers, "number", lambda: meeting.local.number)
    monkeypatch.setattr(workers, "count", lambda: meeting.count)
    monkeypatch.setattr(workers, "_exchanged", meeting.joined)
    monkeypatch.setattr(divided, "Replicas", lambda strategy: _Replicas(strategy, meeting))
    for found in meeting.run(lambda number: support(segmenter, given[number], most)):
        for name, values in wanted.items():
            assert np.ptp(values) > 0
            np.testing.assert_array_equal(found[name], values)
    read = [number for data in given for number in data.read]
    spare = 2 * max(1, size // 3)  # a last round of too few parts has the last one stand in
    assert len(read) <= len(set(read)) + spare
    assert len(set(read)) <= len(set(alone.read)) + spare
