"""FP-FMC by several workers (threads of one process), of which each reads its share alone."""

import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tests.criteria.test_fmc import GRAPH, identity_model, images
from tests.distribution.conftest import Meeting
from tfprune import PruningError
from tfprune.criteria.fmc import steps
from tfprune.distribution import workers

BATCH = images(11)
BATCH[7] = BATCH[2]  # the same image twice


class _Data:
    """Images one by one, as those of `tfprune.data`; that of number `damaged` is left out."""

    def __init__(self, count=11, damaged=None):
        self.read, self.skipped, self.count, self.damaged = [], [], count, damaged

    def __len__(self):
        return self.count

    def resized(self, size):
        assert size == 1
        return self

    def some(self, epoch, numbers):
        self.read.extend(numbers)
        kept = [slice(n, n + (n != self.damaged)) for n in numbers]
        if self.damaged in numbers:
            self.skipped = [f"image {self.damaged}"]
        return (tf.constant(BATCH[part]) for part in kept)

    def skip(self, names):
        self.skipped = list(names)


@pytest.fixture(autouse=True)
def placed(monkeypatch):
    """Points that follow from maps and digest at once, not by t-SNE; how many images got some."""
    found = []

    def place(maps, digests, seed, stride):
        found.append(len(maps))
        return [
            {name: (_points(value, digest), 3) for name, value in of.items()}
            for of, digest in zip(maps, digests, strict=True)
        ]

    monkeypatch.setattr(steps, "place", place)
    return found


def _points(maps, digest):
    drawn = np.random.default_rng(digest).normal(size=(maps.shape[-1], 2))
    return np.float32(drawn + maps.mean((0, 1))[:, None])


def scored(count, monkeypatch, data=_Data, folders=None, graph=GRAPH):
    """The scores on each worker, and the data that it was given."""
    found, given = Meeting(count), [data() for _ in range(count)]

    def work(number):
        cache = None if folders is None else folders[number]
        return tfprune.score(graph, "fmc", given[number], workers=1, cache_dir=cache)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "number", lambda: found.local.number)
        patch.setattr(workers, "count", lambda: found.count)
        patch.setattr(workers, "_exchanged", found.joined)
        return found.run(work), given


def require_equal(found, wanted):
    assert np.ptp(wanted["conv"]) > 0
    for scores in found:
        np.testing.assert_array_equal(scores["conv"], wanted["conv"])


@pytest.mark.parametrize(("count", "images"), [(2, 11), (3, 11), (3, 2)])
def test_workers_read_their_shares_alone_and_score_as_one_does(monkeypatch, count, images):
    found, given = scored(count, monkeypatch, lambda: _Data(images))
    assert sorted(number for data in given for number in data.read) == list(range(images))
    assert max(len(data.read) for data in given) == -(-images // count)
    require_equal(found, tfprune.score(GRAPH, "fmc", BATCH[:images], workers=1))


def test_what_one_worker_cannot_read_all_leave_out(monkeypatch):
    found, given = scored(3, monkeypatch, lambda: _Data(damaged=4))
    assert [data.skipped for data in given] == [["image 4"]] * 3
    require_equal(found, tfprune.score(GRAPH, "fmc", np.delete(BATCH, 4, 0), workers=1))


def test_data_that_cannot_be_shared_is_read_by_all_and_computed_once(monkeypatch, placed):
    found, _ = scored(3, monkeypatch, lambda: BATCH)
    assert sum(placed) == 11
    require_equal(found, tfprune.score(GRAPH, "fmc", BATCH, workers=1))


def test_maps_that_one_worker_refuses_all_do(monkeypatch):
    bad = BATCH.copy()
    bad[5, 0, 0, 0] = 3e38
    graph = tfprune.analyse(identity_model(12, activation=lambda x: 2 * x))
    found, _ = scored(2, monkeypatch, lambda: bad, graph=graph)
    assert [str(error).split(".")[0] for error in found] == [
        "Criterion 'fmc': maps of layer 'conv' are not finite"
    ] * 2


def test_a_stopped_run_goes_on_with_what_the_chief_has_kept(monkeypatch, tmp_path, placed):
    folders = [tmp_path / str(number) for number in range(3)]
    whole, _ = scored(3, monkeypatch, folders=folders)
    assert [path.name for path in tmp_path.iterdir()] == ["0"]  # nothing is on the others' disks
    kept = sorted(folders[0].glob("step0_K/image_*"))
    assert len(kept) == 10  # of which one stands for two
    kept[6].unlink()
    for path in (*folders[0].glob("step1_labels/*"), *folders[0].glob("step2_index/*/*")):
        path.unlink()
    placed.clear()
    again, _ = scored(2, monkeypatch, folders=folders)
    assert sum(placed) == 1
    require_equal(again, whole[0])
    one = tfprune.score(GRAPH, "fmc", BATCH, workers=1, cache_dir=folders[0])
    require_equal([one], whole[0])
    assert sum(placed) == 1


def test_all_hear_that_the_chiefs_cache_is_of_something_else(monkeypatch, tmp_path):
    folders = [tmp_path / str(number) for number in range(2)]
    tfprune.score(GRAPH, "fmc", BATCH[:5], workers=1, cache_dir=folders[0])
    found, _ = scored(2, monkeypatch, folders=folders)
    assert all(isinstance(error, PruningError) for error in found)
    assert ["differs in images" in str(error) for error in found] == [True] * 2
