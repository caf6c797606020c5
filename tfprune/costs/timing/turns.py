"""Time calls by turns, so that what else the machine does slows all of them alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from tfprune.checks import check_whole
from tfprune.errors import PruningError, unknown
from tfprune.passes.progress import tell

# What the time of a call is read from: the wall's, or the processor's, of all threads together.
CLOCKS = {"wall": "perf_counter", "processor": "process_time"}


def by_turns(
    calls: Sequence[Callable[[], Any]],
    *,
    repeats: int = 40,
    warm_up: int = 5,
    clock: str = "wall",
) -> list[tuple[float, ...]]:
    """Time every call once per round.

    Args:
        calls: what is timed.
        repeats: rounds, at least 1.
        warm_up: calls of each before the first round, which also compile what is compiled then.
        clock: "wall", or "processor": the time that all threads of this process computed, which
            other programs on the same machine do not lengthen by their turns.

    Returns:
        The seconds of each call, one per round.

    Raises:
        PruningError: an unknown clock, or a count below its least.

    Example:
        >>> times = by_turns([lambda: None, lambda: sum(range(1000))], repeats=3)
        >>> len(times), len(times[0])
        (2, 3)
    """
    if clock not in CLOCKS:
        raise unknown("clock", clock, CLOCKS)
    check_whole("repeats", repeats)
    if warm_up != 0:
        check_whole("warm_up", warm_up)
    tell(0, repeats, "timed rounds")  # before the first calls, which may take long
    for call in calls:
        for _ in range(warm_up):
            call()
    rounds = []
    for done in range(repeats):
        rounds.append([_timed(call, CLOCKS[clock]) for call in calls])
        tell(done + 1, repeats, "timed rounds")
    return list(zip(*rounds, strict=True))


def check_batch_sizes(sizes: Sequence[int]) -> None:
    """Refuse what is no sequence of whole numbers from 1 on.

    Args:
        sizes: samples per call.

    Raises:
        PruningError: no sequence, an empty one, or a value that is no such number.
    """
    if isinstance(sizes, str) or not isinstance(sizes, Sequence) or not sizes:
        raise PruningError(
            f"batch_sizes must be a non-empty sequence such as (1, 64), received {sizes!r}."
        )
    for size in sizes:
        check_whole("batch_sizes", size)


def _timed(call: Callable[[], Any], reading: str) -> float:
    now = getattr(time, reading)
    start = now()
    call()
    return now() - start
