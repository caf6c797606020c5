"""Kendall's tau against counted pairs, and pairs of starts that belong together."""

import itertools

import numpy as np
import pytest

from benchmarks.grid.prediction import kendall, predictions, starts


def stage(*means):
    return {(f"m{i}", "layer"): {0: mean - 1.0, 1: mean + 1.0} for i, mean in enumerate(means)}


def test_tau_counts_pairs_in_order_less_those_out_of_order():
    rng = np.random.default_rng(3)
    one, other = rng.permutation(8), rng.permutation(8)
    pairs = list(itertools.combinations(range(8), 2))
    signs = [np.sign((one[i] - one[j]) * (other[i] - other[j])) for i, j in pairs]
    tau, _ = kendall(stage(*one), stage(*other))
    assert tau == pytest.approx(sum(signs) / len(pairs))


def test_a_contender_of_one_stage_alone_does_not_count():
    early = stage(1, 2, 3) | {("alone", ""): {0: -5.0}}
    assert kendall(early, stage(4, 5, 6))[0] == pytest.approx(1)


def test_the_table_has_untrained_stages_before_trained_ones_where_enough_are_in_both():
    found = {
        ("net", 0.5, "cut"): stage(1, 2, 3, 4, 5),
        ("net", 0.5, "batchnorm"): stage(1, 2, 3, 4),
        ("net", 0.5, "1 epoch"): stage(5, 4, 3, 2, 1),
        ("net", 0.5, "5 epochs"): stage(1, 2, 3, 4, 5),
        ("net", 0.3, "cut"): stage(1, 2, 3, 4, 5),
    }
    assert list(predictions(found))[2:] == [
        "| net | 50% | cut | 1 epoch | 5 | -1.00 | 0.02 |",
        "| net | 50% | cut | 5 epochs | 5 | 1.00 | 0.02 |",
    ]


def test_starts_are_paired_by_method_and_draw():
    plain = {("a", "layer"): {0: 80.0, 1: 82.0}, ("b", "layer"): {0: 70.0}}
    solved = {("a", "layer"): {0: 81.0}, ("b", "layer"): {0: 73.0, 1: 0.0}, ("c", ""): {0: 0.0}}
    found = {("net", 0.5, "1 epoch"): plain, ("net", 0.5, "1 epoch after reconstruction"): solved}
    ((setting, told),) = starts(found)
    assert setting == ("net", 0.5, "1 epoch")
    assert (told.mean, told.draws) == (2.0, 2)
