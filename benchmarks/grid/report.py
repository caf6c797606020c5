"""Tables and words for docs/results.md, written from the table alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.grid.cells import DRAWS, Cell
from benchmarks.grid.plot import critical_difference, name
from benchmarks.grid.prediction import predictions, starts
from benchmarks.grid.statistics import (
    Contender,
    Difference,
    Found,
    Ranking,
    Setting,
    accuracies,
    difference,
    ranking,
)
from benchmarks.marks import insert, line

PART = "the grid"
YARDSTICKS = (("l2", "layer"), ("random", "layer"))
TITLES = {
    "cut": "right after the cut",
    "batchnorm": "with new statistics for BatchNorm",
    "reconstruction": "after reconstruction",
    "1 epoch": "after one epoch of fine-tuning",
    "1 epoch after reconstruction": "after reconstruction and one epoch of fine-tuning",
    "5 epochs": "after five epochs of fine-tuning",
    "5 epochs after reconstruction": "after reconstruction and five epochs of fine-tuning",
}


def text(rows: Mapping[Cell, Mapping[str, str]]) -> str:
    """Return all tables with their words, as Markdown.

    Args:
        rows: the table, from `benchmarks.grid.table.read`.
    """
    found = accuracies(rows)
    parts = [_how(rows)]
    for setting in sorted(found, key=_order):
        parts += [_section(setting, found[setting])]
    return "\n\n".join([*parts, *_between_stages(found)])


def _between_stages(found: Found) -> Iterator[str]:
    head, rule, *lines = predictions(found)
    if lines:
        yield "### Does a cheap stage say how training ends?"
        yield "\n".join([head, rule, *lines])
    for (network, share, stage), told in starts(found):
        yield (
            "Reconstruction as the start of training instead of new statistics for BatchNorm: "
            f"{network}, {share:.0%} of the MACs left, {stage}: {_told(told)} points, over "
            f"{told.draws} pairs of method and draw."
        )


def _order(setting: Setting) -> tuple:
    network, share, stage = setting
    return network, list(DRAWS).index(stage), -share


def _how(rows: Mapping[Cell, Mapping[str, str]]) -> str:
    seen = {
        column: sorted({row[column] for row in rows.values() if row[column]})
        for column in ("machine", "threads", "commit", "normalisation")
    }
    told = "; ".join(f"{column}: {', '.join(values)}" for column, values in seen.items())
    days = sorted({row["finished"][:10] for row in rows.values()})
    return (
        f"{len(rows)} rows of docs/grid.csv, {days[0]} to {days[-1]} ({told}). Accuracy is of the "
        "test split, in %: mean and standard deviation over the draws. Differences are paired by "
        "draw, with 95 % confidence intervals (Student's t)."
    )


def _section(setting: Setting, measured: Mapping[Contender, Mapping[int, float]]) -> str:
    network, share, stage = setting
    title = f"### {network}, {share:.0%} of the MACs left, {TITLES[stage]}"
    best_first = sorted(measured, key=lambda x: -np.mean(list(measured[x].values())))
    head = ["method, scope", "draws", "accuracy"]
    head += [f"against {name(other)}" for other in YARDSTICKS if other in measured]
    lines = [line(head), line(["---"] * len(head))]
    for contender in best_first:
        values = list(measured[contender].values())
        spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
        cells = [name(contender), str(len(values)), f"{np.mean(values):.1f}{spread}"]
        lines.append(line(cells + _differences(contender, measured)))
    return "\n".join([title, "", *lines, "", *_words(best_first, measured)])


def _differences(
    contender: Contender, measured: Mapping[Contender, Mapping[int, float]]
) -> list[str]:
    return [
        _told(difference(measured[contender], measured[other])) if other != contender else "-"
        for other in YARDSTICKS
        if other in measured
    ]


def _told(found: Difference | None) -> str:
    if found is None:
        return "one draw"
    bold = "" if found.verdict == "open" else "**"
    return f"{bold}{found.mean:+.1f}{bold} [{found.low:+.1f}, {found.high:+.1f}]"


def _words(
    contenders: Sequence[Contender], measured: Mapping[Contender, Mapping[int, float]]
) -> Iterator[str]:
    """Say what is larger than the noise and what is not."""
    for other in YARDSTICKS:
        if other not in measured:
            continue
        verdicts: dict[str, list[str]] = {}
        for contender in contenders:
            found = difference(measured[contender], measured[other])
            if contender != other and found is not None:
                verdicts.setdefault(found.verdict, []).append(name(contender))
        told = [
            f"{words}: {'; '.join(verdicts[verdict])}"
            for verdict, words in (
                ("better", "better than the noise"),
                ("worse", "worse"),
                ("open", "not told apart"),
            )
            if verdict in verdicts
        ]
        if told:
            yield f"Against {name(other)}, {'. '.join(told)}."


def overall(found: Found, stage: str) -> Ranking | None:
    """Return the ranking over all settings of a stage, of all contenders that are in all of them.

    A contender with fewer than four fifths of the draws of others is left out, and a setting with
    less than half of the rows of others, which is only begun: they would take theirs away.

    Args:
        found: from `accuracies`.
        stage: a name of `DRAWS`.
    """
    rows = {setting: sum(map(len, own.values())) for setting, own in found.items()}
    settings = [setting for setting in found if setting[2] == stage]
    most = max((rows[setting] for setting in settings), default=0)
    settings = [setting for setting in settings if 2 * rows[setting] >= most]
    if not settings:
        return None
    shared = set.intersection(*(set(found[setting]) for setting in settings))
    draws = {one: min(len(found[setting][one]) for setting in settings) for one in shared}
    shared = [one for one in sorted(shared) if 5 * draws[one] >= 4 * max(draws.values())]
    ranks = ranking(found, settings, shared) if len(shared) > 2 else None
    return ranks if ranks is not None and ranks.blocks > 2 else None


def write(rows: Mapping[Cell, Mapping[str, str]], page: Path) -> list[Path]:
    """Write the tables into a page, between its marks, and draw the diagrams beside it.

    Args:
        rows: the table.
        page: a Markdown file with the marks of `PART`, as `benchmarks.marks.insert` wants them.

    Returns:
        The files written.

    Raises:
        ValueError: a page without those marks.
    """
    found, drawn, files = accuracies(rows), [], []
    for stage, title in TITLES.items():
        ranks = overall(found, stage)
        if ranks:
            caption = f"Mean ranks {title}, over {ranks.blocks} draws of all settings"
            path = page.parent / f"grid_{stage.replace(' ', '_')}"
            files += critical_difference(ranks, caption, path)
            drawn.append(f"![{caption}; Friedman's p = {ranks.p_value:.1g}]({path.name}.svg)")
    insert(page, PART, "\n\n".join([*drawn, text(rows)]))
    return [page, *files]
