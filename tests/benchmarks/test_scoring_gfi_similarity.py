"""The measurements of the similarity graph and of GFI-AP run, and compare what they should."""

import re

import numpy as np

from benchmarks.scoring import gfi, similarity


def test_the_naive_pairs_are_those_of_the_library(monkeypatch):
    for name, value in (("IMAGES", 2), ("FILTERS", 4), ("SIZE", 9), ("PAIRS", 3), ("ROUNDS", 1)):
        monkeypatch.setattr(similarity, name, value)
    ours, naive = similarity.layer()
    assert min(*ours, *naive) > 0
    maps = np.random.default_rng(1).normal(size=(2, 9, 9, 3))
    assert similarity.pair(maps, 1, 1) == 1
    assert 0 < similarity.pair(maps, 0, 2) < 1


def test_gfis_sums_stay_within_their_budgets(monkeypatch):
    for name, value in (("CLASSES", 10), ("SIZE", 4), ("FILTERS", 6)):
        monkeypatch.setattr(gfi, name, value)
    monkeypatch.setattr(gfi, "BUDGETS", (5200e-9, 1))  # 1280 bytes per channel
    for size, passes in ((5, [3, 1]), (10, [3, 1]), (2, [2, 1])):  # and 640, 1280 or 256 of a batch
        lines = list(gfi.budgets(gfi._layer(), list(gfi._batches(10, 10, size))))
        found = [re.split(" +", line.strip()) for line in lines]
        assert [int(cells[0]) for cells in found] == [size] * 2
        assert [int(cells[2]) for cells in found] == passes
