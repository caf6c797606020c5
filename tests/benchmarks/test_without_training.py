"""The table of pruning without training: medians over the draws, and the picture of them."""

import numpy as np

from benchmarks import rows
from benchmarks.without_training_report import WHOLE, figure, report


def row(share, draw, reconstructed, criterion="l2"):
    return {
        "network": "resnet20_a", "criterion": criterion, "amounts": "sensitivity",
        "share": share, "draw": draw, "images": 2000, "passes": 0, "macs_left": share - 0.001,
        "cut": 10.0 + draw, "batchnorm": 50.0, "reconstructed": reconstructed,
    }  # fmt: skip


def table(path):
    own = [row(0.5, 0, 80.0), row(0.7, 0, 90.0), row(0.5, 1, 86.0), row(0.5, 2, 84.0)]
    for each in [*own, row(0.5, 0, 70.0, criterion="random")]:
        rows.append(path, each)
    return path


def test_a_line_has_the_medians_of_its_draws(tmp_path):
    lines = report(table(tmp_path / "table.csv")).splitlines()[2:]
    assert [line.split(" | ")[1:] for line in lines] == [
        ["l2", "sensitivity", "2000", "0", "69.9 %", "1", "10.00", "50.00", "90.00 |"],
        ["l2", "sensitivity", "2000", "0", "49.9 %", "3", "11.00", "50.00", "84.00 |"],
        ["random", "sensitivity", "2000", "0", "49.9 %", "1", "10.00", "50.00", "70.00 |"],
    ]


def test_the_picture_draws_each_stage_from_the_whole_network_on(tmp_path):
    axes = figure(table(tmp_path / "table.csv")).axes[0]
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert list(lines) == ["kernels solved anew", "BatchNorm anew", "after the cut"]
    expected = [[50, 84], [70, 90], [100, WHOLE["resnet20_a"]]]
    np.testing.assert_allclose(lines["kernels solved anew"], expected)
