"""Samples in portions, of which workers (threads of one process) read each its own."""

import keras
import numpy as np
import pytest

import tfprune.data
from tests.data.photographs import write
from tfprune.errors import PruningError
from tfprune.reconstruction import samples
from tfprune.reconstruction.samples import portions_of


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "PORTION", 3)
    return write(tmp_path / "images", ["cat", "dog"], 10, size=(16, 24), suffix="png")


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((16, 24, 3)), keras.layers.Conv2D(2, 3)])


def damage(root, numbers):
    files = sorted(root.rglob("*.png"))
    for number in numbers:
        files[number].write_bytes(b"no picture")


def epochs(root):
    return tfprune.data.load("folder", data_dir=root, validation_size=0).train.epochs(4)


@pytest.mark.parametrize("broken", [(), (1,), (0, 1, 2), (9, 10, 11, 13)])
def test_all_have_the_portions_of_one_and_read_their_own(root, model, on_three, broken):
    damage(root, broken)
    data = epochs(root)
    alone = portions_of(model, data)
    datas = [epochs(root) for _ in range(3)]
    found = on_three(lambda number: portions_of(model, datas[number]))
    there = [set(portions._there) for portions in found]
    assert set.union(*there) == set(range(len(alone)))
    assert sum(map(len, there)) == len(alone)
    prints = on_three(lambda number: found[number].fingerprint())
    assert prints == [alone.fingerprint()] * 3
    for portions, own in zip(found, datas, strict=True):
        assert portions.sizes == alone.sizes
        assert own.skipped == data.skipped
        for one, other in zip(portions, alone, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
    assert alone.starts[-1] == sum(alone.sizes) == len(data.split) - len(data.skipped)


def test_they_are_told_apart(root, model):
    first = portions_of(model, epochs(root))
    assert portions_of(model, epochs(root)).fingerprint() == first.fingerprint()
    damage(root, [4])
    assert portions_of(model, epochs(root)).fingerprint() != first.fingerprint()


def test_what_one_refuses_all_do(root, model, on_three):
    datas = [epochs(root) for _ in range(3)]
    damage(root, range(20))
    found = on_three(lambda number: portions_of(model, datas[number]))
    assert [type(error) for error in found] == [PruningError] * 3
    assert "received no batch" in str(found[0])
    wide = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    found = on_three(lambda number: portions_of(wide, datas[number]))
    assert [type(error) for error in found] == [PruningError] * 3


def test_a_number_too_high_is_none(root, model):
    portions = portions_of(model, epochs(root))
    with pytest.raises(IndexError):
        portions[len(portions)]
