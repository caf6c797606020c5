"""A model's time as a share of another's, by fresh copies of both."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.turns import by_turns
from tfprune.passes.progress import tell

PAIRS, MOST_PAIRS = 3, 9  # as many as it takes until they agree
_SURE = 0.008  # of the share: the standard error from which they do
_WARM = 5  # calls of each copy before it is timed, and timed ones at least
_MOST, _SECONDS = 100, 1.5  # timed rounds of each pair, and about how long they take together


def time_share(first: Runner, second: Runner, batch_size: int, *, clock: str = "wall") -> float:
    """Return the second model's time as a share of the first's.

    Both are loaded or compiled anew for each of several pairs, since where a copy lies in memory
    makes it faster or slower by some hundredths for as long as it lives. What else the machine does
    slows the calls of one round alike, so that rounds are compared, not medians of all. On a busy
    machine pairs differ by more than a hundredth: there more of them are timed.

    Args:
        first: what the time is a share of.
        second: what is timed.
        batch_size: samples per call.
        clock: as for `tfprune.latency`.

    Example:
        >>> import keras
        >>> x = keras.Input((4,), name="x")
        >>> model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
        >>> with Runner(model, "tflite") as one:
        ...     share = time_share(one, one, 1)
        >>> 0 < share
        True
    """
    shares: list[float] = []
    while len(shares) < PAIRS or (len(shares) < MOST_PAIRS and _doubt(shares) > _SURE):
        tell(len(shares), max(PAIRS, len(shares) + 1), "timed pairs of copies")
        calls = [runner.on_samples(batch_size, anew=True) for runner in (first, second)]
        shares.append(_of_rounds(calls, clock))
    tell(len(shares), len(shares), "timed pairs of copies")
    return statistics.median(shares)


def _doubt(shares: Sequence[float]) -> float:
    """Return the standard error of the mean as a share of it."""
    return statistics.stdev(shares) / len(shares) ** 0.5 / statistics.mean(shares)


def _of_rounds(calls: list[Callable[[], Any]], clock: str) -> float:
    warm = by_turns(calls, repeats=_WARM, warm_up=_WARM, clock=clock)
    takes = sum(map(statistics.median, warm))
    repeats = int(np.clip(_SECONDS / max(takes, 1e-6), _WARM, _MOST))
    before, after = by_turns(calls, repeats=repeats, warm_up=0, clock=clock)
    return statistics.median(own / one for one, own in zip(before, after, strict=True))
