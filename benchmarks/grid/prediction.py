"""Whether a cheap stage says how methods end, and whether reconstruction is a better start."""

from collections.abc import Iterator, Mapping

import numpy as np
from scipy import stats

from benchmarks.grid.cells import STAGES, trained
from benchmarks.grid.statistics import Contender, Difference, Found, Setting, difference
from benchmarks.marks import line

FEWEST = 5  # contenders: fewer cannot be out of order beyond chance
AFTER = " after reconstruction"


def predictions(found: Found) -> Iterator[str]:
    """Yield the lines of a table of Kendall's tau between untrained and trained stages.

    A contender counts by its mean over the draws that it has at a stage.

    Args:
        found: from `benchmarks.grid.statistics.accuracies`.
    """
    head = ["network", "MACs left", "stage", "predicts", "choices", "Kendall's tau", "p"]
    yield line(head)
    yield line(["---"] * len(head))
    for network, share in sorted({setting[:2] for setting in found}, key=lambda x: (x[0], -x[1])):
        for late in filter(trained, STAGES):
            for early in STAGES:
                pair = [found.get((network, share, stage), {}) for stage in (early, late)]
                shared = sorted(pair[0].keys() & pair[1].keys())
                if not trained(early) and len(shared) >= FEWEST:
                    tau, p = kendall(pair[0], pair[1])
                    yield line([network, f"{share:.0%}", early, late, str(len(shared)),
                                f"{tau:.2f}", f"{p:.1g}"])  # fmt: skip


def kendall(
    early: Mapping[Contender, Mapping[int, float]], late: Mapping[Contender, Mapping[int, float]]
) -> tuple[float, float]:
    """Return Kendall's tau-b of two stages over the contenders in both, and its p-value.

    Args:
        early: {contender: {draw: points}}.
        late: likewise.

    Example:
        >>> low, high = {"a": {0: 1}, "b": {0: 2}, "c": {0: 3}}, {"a": {0: 7}, "b": {0: 9}}
        >>> kendall(low, high)[0]
        1.0
    """
    shared = sorted(early.keys() & late.keys())
    means = [[np.mean(list(stage[name].values())) for name in shared] for stage in (early, late)]
    tau, p = stats.kendalltau(*means)
    return float(tau), float(p)


def starts(found: Found) -> Iterator[tuple[Setting, Difference]]:
    """Yield how much higher training ends that began with reconstruction, not with statistics.

    Pairs are of the same network, amount, method and draw.

    Args:
        found: from `benchmarks.grid.statistics.accuracies`.
    """
    for (network, share, stage), plain in found.items():
        solved = found.get((network, share, stage + AFTER), {})
        one, other = (
            {(name, draw): points for name in some for draw, points in some[name].items()}
            for some in (solved, plain)
        )
        told = difference(one, other)
        if told:
            yield (network, share, stage), told
