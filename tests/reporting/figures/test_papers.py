"""The papers' plots, read back from matplotlib's own objects."""

from itertools import pairwise

import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.reporting.figures._colours import GONE, KEPT
from tfprune.reporting.figures.accuracy_cost import accuracy_cost
from tfprune.reporting.figures.kept_channels import kept_channels
from tfprune.reporting.figures.redundancy import cluster_boxes, redundancy_bars
from tfprune.reporting.figures.score_distributions import score_distributions
from tfprune.reporting.figures.similarity_graph import similarity_graph
from tfprune.reporting.figures.sweep_panels import PANELS, sweep_panels
from tfprune.selection._redundancy import redundant

colors = pytest.importorskip("matplotlib.colors")


def colour(thing):
    return colors.to_hex(thing.get_facecolor())


def test_bars_of_layers_are_as_high_as_their_channels():
    keep = {"stem": np.array([True, False, True]), "head": np.ones(2, bool)}
    (axes,) = kept_channels(keep).axes
    assert [bar.get_height() for bar in axes.patches] == [3, 2, 2, 2]  # all, then kept
    assert [label.get_text() for label in axes.get_xticklabels()] == ["stem", "head"]


def test_histograms_part_what_stays_from_what_goes():
    rng = np.random.default_rng(0)
    scores = {f"conv{i}": rng.normal(size=16) for i in range(5)}
    keep = {name: value > 0 for name, value in scores.items()} | {"unscored": np.ones(2, bool)}
    axes = [each for each in score_distributions(scores, keep, bins=8).axes if each.get_visible()]
    assert [each.get_title() for each in axes] == list(scores)
    assert axes[0].figure.get_supxlabel() == "score"
    assert axes[0].figure.get_supylabel() == "channels"
    for each, name in zip(axes, scores, strict=True):
        kept = sum(bar.get_height() for bar in each.patches if colour(bar) == KEPT)
        gone = sum(bar.get_height() for bar in each.patches if colour(bar) == GONE)
        assert (kept, gone) == (keep[name].sum(), (~keep[name]).sum())


def test_redundancy_bars_begin_with_the_most_redundant_and_hatch_what_goes():
    index, keep = np.array([1.0, 5.0, 3.0]), np.array([True, False, True])
    (axes,) = redundancy_bars(index, keep, "stem").axes
    assert [bar.get_height() for bar in axes.patches] == [5, 3, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "0"]
    assert [bar.get_hatch() for bar in axes.patches] == ["///", "", ""]


def test_boxes_span_the_quartiles():
    counts = {"a": [2, 3, 4, 5, 9], "b": [2, 2, 2]}
    (axes,) = cluster_boxes(counts).axes
    medians = [
        line.get_ydata()[0] for line in axes.lines if colors.to_hex(line.get_color()) == GONE
    ]
    assert medians == [np.median(values) for values in counts.values()]


def test_each_panel_shows_its_figure_against_p():
    rows = [{"p": p, **{name: p * i for i, name in enumerate(PANELS)}} for p in (0.5, 0.1)]
    axes = sweep_panels(rows).axes
    assert [each.get_title() for each in axes] == list(PANELS.values())
    for i, each in enumerate(axes):
        assert each.lines[0].get_xydata().tolist() == [[0.1, 0.1 * i], [0.5, 0.5 * i]]


def test_vertices_are_joined_where_channels_are_alike():
    rng = np.random.default_rng(1)
    alike = rng.uniform(size=(8, 8))
    alike = (alike + alike.T) / 2
    np.fill_diagonal(alike, 1)
    gone = redundant(alike, 0.6)
    (axes,) = similarity_graph(alike, ~gone, 0.6, "stem").axes
    lines, kept, deleted = axes.collections
    pairs = sum(alike[i, j] >= 0.6 for i in range(8) for j in range(i))
    assert len(lines.get_segments()) == pairs > 0
    assert (len(kept.get_offsets()), len(deleted.get_offsets())) == ((~gone).sum(), gone.sum())
    assert gone.any()
    np.testing.assert_allclose((deleted if gone[0] else kept).get_offsets()[0], [0, 1], atol=1e-12)


def test_methods_differ_by_mark_as_well_as_colour():
    (axes,) = accuracy_cost({"l1": [(0.5, 0.9), (0.25, 0.8)], "fgp": [(0.5, 0.91)]}).axes
    assert len({line.get_marker() for line in axes.lines}) == 2
    assert axes.lines[0].get_xydata().tolist() == [[25, 80], [50, 90]]


def test_more_methods_than_colours_still_differ():
    (axes,) = accuracy_cost({f"method {i}": [(0.5, 0.9)] for i in range(20)}).axes
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == 20


def extents(figure, *things):
    figure.draw_without_rendering()
    return [thing.get_window_extent() for thing in things]


def test_legends_lie_upon_nothing():
    keep = {f"stage1_block{i}_conv": np.arange(16) > i for i in range(6)}
    for layers in (1, 2, 6):
        some = dict(list(keep.items())[:layers])
        figure = kept_channels(some)
        legend, bars = extents(figure, figure.legends[0], figure.axes[0])
        assert not legend.overlaps(bars)
        figure = score_distributions({name: np.arange(16.0) for name in some}, some)
        legend, *others = extents(
            figure, figure.legends[0], figure._supxlabel, *figure.axes, figure.axes[0].title
        )
        assert not any(legend.overlaps(other) for other in others)


def test_counts_of_channels_are_whole_numbers():
    (axes,) = kept_channels({"stem": np.array([True, False])}).axes
    assert all(place == int(place) for place in axes.get_yticks())


@pytest.mark.parametrize("channels", [16, 64, 65, 256])
def test_numbers_of_vertices_do_not_lie_upon_each_other(channels):
    figure = similarity_graph(np.eye(channels), np.arange(channels) % 2 > 0, 0.5, "stem")
    found = extents(figure, *figure.axes[0].texts)
    assert len(found) >= 16
    assert not any(a.overlaps(b) for a, b in zip(found, [*found[1:], found[0]], strict=True))


@pytest.mark.parametrize("channels", [64, 512])
def test_a_wide_layers_bars_stay_on_one_page(channels):
    figure = redundancy_bars(np.arange(float(channels)), np.ones(channels, bool), "stem")
    assert figure.get_figwidth() <= 16
    found = extents(figure, *figure.axes[0].get_xticklabels())
    assert len(found) == (channels if channels == 64 else 0)
    assert not any(a.overlaps(b) for a, b in pairwise(found))


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_figure_is_saved(tmp_path, ending):
    path = tmp_path / f"kept.{ending}"
    kept_channels({"stem": np.array([True, False])}).savefig(path)
    assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (lambda: kept_channels({}), "at least one layer, received none"),
        (lambda: score_distributions({"a": np.eye(2)}, {"a": np.ones(2, bool)}),
         r"layer 'a' with \(2, 2\). Pass scores.by_channel"),
        (lambda: redundancy_bars(np.ones(2), np.ones(3, bool), "a"), r"received \(2,\) and \(3,\)"),
        (lambda: cluster_boxes({"a": []}), "at least one image per layer, received {'a'"),
        (lambda: sweep_panels([{"p": 0.5}]), "received some without threshold"),
        (lambda: similarity_graph(np.eye(2), np.ones(3, bool), 0.5, "a"),
         r"expected similarities \(3, 3\), received \(2, 2\)"),
        (lambda: accuracy_cost({}), "at least one method"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(draw, match):
    with pytest.raises(PruningError, match=match):
        draw()
