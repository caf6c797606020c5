"""The clock: which call is timed when, by which clock, and what is refused."""

import time

import pytest

from tfprune.costs.timing.turns import by_turns, check_batch_sizes
from tfprune.errors import PruningError


def test_calls_are_made_by_turns_after_their_warm_up():
    order = []
    calls = [lambda: order.append("a"), lambda: order.append("b")]
    times = by_turns(calls, repeats=2, warm_up=3)
    assert "".join(order) == "aaabbb" + "abab"
    assert [len(own) for own in times] == [2, 2]


@pytest.mark.parametrize(
    ("clock", "reading", "other"),
    [("wall", "perf_counter", "process_time"), ("processor", "process_time", "perf_counter")],
)
def test_only_the_call_is_between_the_readings_of_its_clock(monkeypatch, clock, reading, other):
    now = [10.0]
    monkeypatch.setattr(time, reading, lambda: now[0])
    monkeypatch.delattr(time, other)

    def call(seconds):
        now[0] += seconds

    calls = [lambda: call(3.0), lambda: call(5.0)]
    assert by_turns(calls, repeats=2, warm_up=0, clock=clock) == [(3.0, 3.0), (5.0, 5.0)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repeats": 0}, "repeats must be a whole number from 1 on, received 0"),
        ({"warm_up": -1}, "warm_up must be a whole number from 1 on, received -1"),
        ({"clock": "sun"}, "clock.*'sun'.*processor, wall"),
    ],
)
def test_counts_and_clock_are_checked(wrong, message):
    with pytest.raises(PruningError, match=message):
        by_turns([lambda: None], **wrong)


@pytest.mark.parametrize("wrong", [(), 1, "12", (1, 0), (1.5,)])
def test_batch_sizes_are_checked(wrong):
    with pytest.raises(PruningError, match=r"batch_sizes must be .*received"):
        check_batch_sizes(wrong)
