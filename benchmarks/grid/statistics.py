"""What is larger than the noise: paired differences over draws, and ranks over all settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.grid.cells import Cell

LEVEL = 0.95
Setting = tuple[str, float, str]  # network, share of the MACs that is left, stage
Contender = tuple[str, str]  # name in JUDGES, scope
Found = Mapping[Setting, Mapping[Contender, Mapping[int, float]]]  # accuracy by draw, in points


@dataclass(frozen=True)
class Difference:
    """A mean difference over draws.

    Args:
        mean: in points of accuracy.
        low: lower end of the 95 % confidence interval (Student's t over the draws).
        high: its upper end.
        draws: over how many draws.
    """

    mean: float
    low: float
    high: float
    draws: int

    @property
    def verdict(self) -> str:
        """Whether it is larger than the noise: "better", "worse" or "open"."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "open"


def accuracies(
    rows: Mapping[Cell, Mapping[str, str]],
) -> dict[Setting, dict[Contender, dict[int, float]]]:
    """Return what was measured in points, {setting: {contender: {draw: accuracy}}}.

    Args:
        rows: the table, from `benchmarks.grid.table.read`.
    """
    found: dict[Setting, dict[Contender, dict[int, float]]] = {}
    for cell, row in rows.items():
        if row["accuracy"]:
            by_draw = found.setdefault((cell.network, cell.share, cell.stage), {})
            points = 100 * float(row["accuracy"])
            by_draw.setdefault((cell.judge, cell.scope), {})[cell.draw] = points
    return found


def difference(one: Mapping[int, float], other: Mapping[int, float]) -> Difference | None:
    """Return how much higher one is than another, over the draws that both have.

    Args:
        one: {draw: points}.
        other: {draw: points}.

    Returns:
        The difference; None with fewer than two draws in common, which have no spread.

    Example:
        >>> found = difference({0: 3.0, 1: 4.0, 2: 5.0}, {0: 1.0, 1: 2.0, 2: 3.0, 3: 9.0})
        >>> found.mean, found.draws, found.verdict
        (2.0, 3, 'better')
    """
    draws = sorted(one.keys() & other.keys())
    if len(draws) < 2:
        return None
    values = np.array([one[draw] - other[draw] for draw in draws])
    mean, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * error)
    return Difference(mean, mean - reach, mean + reach, len(values))


@dataclass(frozen=True)
class Ranking:
    """Mean ranks of contenders over settings and draws (Demšar, JMLR 2006).

    Args:
        ranks: {contender: mean rank}, 1 = best, ascending.
        blocks: how many settings and draws they are means over.
        p_value: of Friedman's test that all are alike.
        critical: Nemenyi's critical difference of two mean ranks at 5 %.
    """

    ranks: dict[Contender, float]
    blocks: int
    p_value: float
    critical: float

    def groups(self) -> list[list[Contender]]:
        """Return the longest runs of contenders that cannot be told apart, best first."""
        names = list(self.ranks)
        runs: list[list[Contender]] = []
        for i, first in enumerate(names):
            run = [x for x in names[i:] if self.ranks[x] - self.ranks[first] <= self.critical]
            if len(run) > 1 and not (runs and set(run) <= set(runs[-1])):
                runs.append(run)
        return runs


def ranking(
    found: Found,
    settings: Sequence[Setting],
    contenders: Sequence[Contender],
) -> Ranking | None:
    """Rank contenders over all draws of settings that have them all.

    Draws of one setting share the network, so they are not independent as Friedman's test assumes:
    the critical difference is what the field draws, the paired intervals are what to go by.

    Args:
        found: from `accuracies`.
        settings: which to rank over.
        contenders: at least three.

    Returns:
        The ranking; None with fewer than two complete draws.
    """
    table = []
    for setting in settings:
        columns = [found.get(setting, {}).get(contender, {}) for contender in contenders]
        draws = set.intersection(*(set(column) for column in columns))
        table += [[column[draw] for column in columns] for draw in sorted(draws)]
    if len(table) < 2:
        return None
    ranks = stats.rankdata(-np.array(table), axis=1)
    means = dict(zip(contenders, ranks.mean(axis=0).tolist(), strict=True))
    count = len(contenders)
    spread = stats.studentized_range.ppf(LEVEL, count, np.inf) / np.sqrt(2)
    return Ranking(
        dict(sorted(means.items(), key=lambda pair: pair[1])),
        len(table),
        float(stats.friedmanchisquare(*np.transpose(table)).pvalue),
        float(spread * np.sqrt(count * (count + 1) / (6 * len(table)))),
    )
