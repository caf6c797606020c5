"""Sums over shares, between workers that are threads of one process."""

import numpy as np
import pytest

from tfprune.distribution.shares import BLOCKS, Shares
from tfprune.errors import PruningError

COUNT = 29
VALUES = np.random.default_rng(0).normal(size=(COUNT, 4, 3)) * 10.0 ** np.arange(-8, 4, 4)


def of_block(numbers):
    return [VALUES[numbers].sum(axis=0), np.array(len(numbers))]


@pytest.fixture(scope="module")
def alone():
    return Shares(COUNT).total(of_block)


def test_one_worker_adds_up_everything(alone):
    np.testing.assert_allclose(alone[0], VALUES.sum(axis=0), rtol=1e-12)
    assert alone[1] == COUNT


@pytest.mark.parametrize("meeting", [2, 3, 5, 8, 11], indirect=True)
def test_any_number_of_workers_finds_the_same_to_the_bit(meeting, alone):
    made = []

    def work(number):
        shares = Shares(COUNT)
        made.append(shares.own)
        return shares.total(of_block)

    for values, count in meeting.run(work):
        np.testing.assert_array_equal(values, alone[0])
        assert count == COUNT
    assert sorted(number for own in made for number in own) == list(range(COUNT))
    busy = [own for own in made if own]
    assert len(busy) == min(meeting.count, BLOCKS)
    assert max(map(len, busy)) <= 2 * min(map(len, busy)) + 1


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 100])
def test_the_chief_has_the_first_item_of_any_number(meeting, count):
    owns = meeting.run(lambda number: Shares(count).own)
    assert owns[0][0] == 0
    assert [number for own in owns for number in own] == list(range(count))


def test_each_item_comes_back_in_its_place(meeting):
    found = meeting.run(lambda number: Shares(5).each(lambda item: [np.arange(item), item * 2.0]))
    for made in found:
        assert [(first.tolist(), second) for first, second in made] == [
            (list(range(item)), item * 2.0) for item in range(5)
        ]


@pytest.mark.parametrize("way", ["total", "each"])
def test_what_one_share_refuses_all_do(meeting, way):
    def refuse(numbers):
        if np.max(numbers) == COUNT - 1:
            raise PruningError("NaN in the last portion.")
        return [np.zeros(1)]

    found = meeting.run(lambda number: getattr(Shares(COUNT), way)(refuse))
    assert [str(error) for error in found] == ["NaN in the last portion."] * 3
