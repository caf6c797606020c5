"""Statistics against worked numbers, and a report that says no more than its table."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.grid import report, statistics, table
from benchmarks.grid.cells import Cell
from benchmarks.grid.prediction import starts
from benchmarks.grid.statistics import accuracies, difference, ranking

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- the grid begins -->", "<!-- the grid ends -->"
SETTING = ("net", 0.5, "cut")
GOOD, BAD, SAME = ("good", "layer"), ("random", "layer"), ("l2", "layer")


def rows(by_contender, setting=SETTING):
    network, share, stage = setting
    how = {"machine": "m", "threads": "1", "commit": "c", "normalisation": "n"}
    return {
        Cell(network, judge, scope, share, draw, stage): {
            "accuracy": f"{value / 100:.4f}", "finished": "2026-01-01T00:00", **how,
        }
        for (judge, scope), values in by_contender.items()
        for draw, value in enumerate(values)
    }  # fmt: skip


def test_a_paired_difference_has_students_interval():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 7))
    found = difference(dict(enumerate(one)), dict(enumerate(other)))
    interval = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert found.mean == pytest.approx((one - other).mean())
    assert (found.low, found.high) == pytest.approx(tuple(interval))


def test_only_common_draws_are_paired():
    found = difference({0: 5.0, 1: 6.0, 3: 99.0}, {0: 4.0, 1: 5.0, 2: -99.0})
    assert (found.mean, found.draws, found.verdict) == (1.0, 2, "better")
    assert difference({0: 1.0, 1: 2.0}, {1: 1.0, 2: 2.0}) is None


@pytest.mark.parametrize(
    ("values", "verdict"), [([2, 3, 4], "better"), ([-2, -3, -4], "worse"), ([-3, 2, 3], "open")]
)
def test_a_verdict_needs_an_interval_on_one_side(values, verdict):
    assert difference(dict(enumerate(values)), dict.fromkeys(range(3), 0.0)).verdict == verdict


def test_a_cell_without_accuracy_counts_for_nothing():
    table = rows({GOOD: [50]})
    (cell,) = table
    table[cell]["accuracy"] = ""
    assert accuracies(table) == {}


def test_ranks_are_means_over_complete_draws():
    found = accuracies(rows({GOOD: [9, 8, 7], SAME: [5, 5, 9], BAD: [5, 1, 1, 77]}))
    result = ranking(found, [SETTING], [BAD, GOOD, SAME])
    assert result.blocks == 3
    assert list(result.ranks.items()) == [
        (GOOD, pytest.approx(4 / 3)), (SAME, pytest.approx(5.5 / 3)), (BAD, pytest.approx(8.5 / 3)),
    ]  # fmt: skip


def test_the_critical_difference_is_nemenyis():
    """Demšar 2006, table 5: q = 2.343 for three at 5 %."""
    found = accuracies(rows({GOOD: [3] * 6, SAME: [2] * 6, BAD: [1] * 6}))
    result = ranking(found, [SETTING], [GOOD, SAME, BAD])
    assert result.critical == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 6)), abs=1e-3)
    assert result.p_value == pytest.approx(stats.chi2.sf(12, 2))


def test_groups_are_the_longest_runs_within_the_critical_difference():
    ranks = {("a", ""): 1.0, ("b", ""): 1.8, ("c", ""): 2.6, ("d", ""): 4.0}
    groups = statistics.Ranking(ranks, 9, 0.01, 1.0).groups()
    assert groups == [[("a", ""), ("b", "")], [("b", ""), ("c", "")]]


def test_the_page_says_what_is_larger_than_the_noise(tmp_path):
    page = tmp_path / "results.md"
    page.write_text(f"# Results\n\n{BEGIN}\nformer words\n{END}\n\nafter\n")
    table = rows({GOOD: [60, 62, 61], SAME: [50, 51, 53], BAD: [50.2, 50.9, 52.8]})
    table |= rows({("one", ""): [99]})
    report.write(table, page)
    text = page.read_text()
    assert text.startswith("# Results\n")
    assert text.endswith("\n\nafter\n")
    assert "former words" not in text
    assert "### net, 50% of the MACs left, right after the cut" in text
    assert "| good, layer | 3 | 61.0 ± 1.0 | **+9.7** [" in text
    assert "| one | 1 | 99.0 | one draw | one draw |" in text
    assert "Against l2, layer, better than the noise: good, layer. not told apart: random" in text
    again = page.read_text()
    report.write(table, page)
    assert page.read_text() == again


def test_a_page_without_marks_is_refused(tmp_path):
    page = tmp_path / "results.md"
    page.write_text("# Results\n")
    with pytest.raises(ValueError, match="expected one line '<!-- the grid begins -->'"):
        report.write(rows({GOOD: [1]}), page)


def test_the_diagram_is_drawn_for_what_all_settings_have(tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "results.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    table = rows({GOOD: [60, 62], SAME: [50, 51], BAD: [40, 41], ("only here", ""): [1, 2]})
    table |= rows({GOOD: [60, 62], SAME: [50, 51], BAD: [40, 41]}, ("net", 0.3, "cut"))
    files = report.write(table, page)
    assert [file.name for file in files] == ["results.md", "grid_cut.png", "grid_cut.svg"]
    drawn = (tmp_path / "grid_cut.svg").read_text()
    assert "only here" not in drawn
    first = [file.read_bytes() for file in files]
    report.write(table, page)
    assert [file.read_bytes() for file in files] == first


def test_the_ranking_counts_every_draw_of_every_setting():
    table = {}
    for share, stage in itertools.product((0.5, 0.3), ("cut", "1 epoch")):
        table |= rows({GOOD: [3, 3], SAME: [2, 2], BAD: [1, 1]}, ("net", share, stage))
    assert report.overall(accuracies(table), "cut").blocks == 4
    assert report.overall(accuracies(table), "5 epochs") is None


def test_a_contender_of_few_draws_takes_none_from_the_others():
    table = rows({GOOD: [3, 3, 3], SAME: [2, 2, 2], BAD: [1, 1, 1], ("new", ""): [4]})
    ranks = report.overall(accuracies(table), "cut")
    assert ranks.blocks == 3
    assert set(ranks.ranks) == {GOOD, SAME, BAD}


def test_a_setting_that_is_begun_takes_no_contender_from_the_others():
    whole = rows({GOOD: [3, 3, 3], SAME: [2, 2, 2], BAD: [1, 1, 1]})
    begun = rows({GOOD: [3], SAME: [2]}, ("net", 0.7, "cut"))
    ranks = report.overall(accuracies(whole | begun), "cut")
    assert (ranks.blocks, set(ranks.ranks)) == (3, {GOOD, SAME, BAD})


def test_two_draws_are_too_few_for_a_diagram():
    assert (
        report.overall(accuracies(rows({GOOD: [3, 3], SAME: [2, 2], BAD: [1, 1]})), "cut") is None
    )


def test_the_page_says_what_the_table_says(tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "results.md"
    page.write_text((DOCS / "results.md").read_text())
    report.write(table.read(DOCS / "grid.csv"), page)
    assert page.read_text() == (DOCS / "results.md").read_text()


def shown_in_choosing(pattern):
    row = r"^\| `(\w+)`, (\w+)[^|]* \| " + pattern + r" \|$"
    return re.findall(row, (DOCS / "choosing.md").read_text(), re.MULTILINE)


def test_the_choice_without_training_is_told_with_the_tables_figures():
    found = accuracies(table.read(DOCS / "grid.csv"))["resnet20_a", 0.5, "reconstruction"]
    shown = shown_in_choosing(r"([\d.]+) \| ([+-][\d.]+ \[.*\])")
    assert len(shown) == 8
    for judge, scope, accuracy, other in shown:
        told = difference(found[judge, scope], found["l2", "layer"])
        assert accuracy == f"{np.mean(list(found[judge, scope].values())):.1f}"
        assert other == f"{told.mean:+.1f} [{told.low:+.1f}, {told.high:+.1f}]"


def test_measured_amounts_are_told_with_the_tables_figures():
    found = accuracies(table.read(DOCS / "grid.csv"))["resnet20_a", 0.5, "reconstruction"]
    page = (DOCS / "choosing.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| ([+-][\d.]+ \[.*\]) \|$", page, re.MULTILINE)
    assert [judge for judge, *_ in shown] == ["l2", "fpgm", "group_l2", "taylor", "random"]
    for judge, accuracy, gain in shown:
        own = found[judge, "sensitivity"]
        assert len(own) == 3
        assert accuracy == f"{np.mean(list(own.values())):.1f}"
        before = found[judge, "global" if judge in ("fpgm", "group_l2") else "layer"]
        told = difference(own, before)
        assert gain == f"{told.mean:+.1f} [{told.low:+.1f}, {told.high:+.1f}]"
    (alone,) = re.findall(r"Of one draw:\n(.*)\.$", page, re.MULTILINE)
    singles = dict(re.findall(r"`(\w+)` ([\d.]+)", alone))
    assert singles == {judge: f"{found[judge, 'sensitivity'][0]:.1f}" for judge in singles}
    assert len(singles) == 7


def test_the_choice_with_training_is_told_with_the_tables_figures():
    found = accuracies(table.read(DOCS / "grid.csv"))
    cell = r"(\(?[\d.]+\)?|-)"
    shown = shown_in_choosing(r" \| ".join([cell] * 4))
    assert len(shown) == 9
    stages = "1 epoch", "1 epoch after reconstruction", "5 epochs", "5 epochs after reconstruction"
    for judge, scope, *cells in shown:
        for cell, stage in zip(cells, stages, strict=True):
            draws = list(found["resnet20_a", 0.5, stage].get((judge, scope), {}).values())
            mean = f"{np.mean(draws):.1f}" if draws else "-"
            assert cell == (f"({mean})" if len(draws) == 1 else mean), (judge, scope, stage)


@pytest.mark.parametrize("stage", ["1 epoch", "5 epochs"])
def test_what_a_reconstruction_is_worth_as_a_start_is_told_as_the_table_tells_it(stage):
    found = dict(starts(accuracies(table.read(DOCS / "grid.csv"))))["resnet20_a", 0.5, stage]
    page = " ".join((DOCS / "choosing.md").read_text().split())
    assert f"{found.mean:+.1f} points [{found.low:+.1f}, {found.high:+.1f}] after " in page
