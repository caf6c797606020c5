"""The prediction of benchmarks.scaling, by its equations; measuring is left to who runs it."""

import argparse

import pytest

import models
from benchmarks import scaling


@pytest.mark.parametrize("devices", [2, 3, 8])
def test_a_ring_sends_all_gradients_but_a_devices_own_part_twice(devices):
    # Each device sends a part of P / n numbers in each of n - 1 rounds of adding and of sharing.
    part, rounds = 4 * 1000 / devices, 2 * (devices - 1)
    seconds = scaling.communication(1000, devices, bandwidth=10.0, latency=0.5)
    assert seconds == pytest.approx(rounds * (part / 10 + 0.5))


def test_what_overlaps_costs_nothing():
    assert scaling.efficiency(0.2, 0.2) == 0.5
    assert scaling.efficiency(0.2, 0.2, overlap=0.5) == pytest.approx(2 / 3)


def test_the_table_counts_the_gradients(monkeypatch):
    monkeypatch.setattr(scaling, "NETWORKS", {"resnet20": (32, 32, 3)})
    given = argparse.Namespace(
        step=0.001, bandwidth=1e9, bandwidth_inside=1e11, latency=0.0, overlap=0.0
    )
    _, inside, across = scaling.predictions(given).splitlines()
    trained = 273_066  # without the moving statistics, which have no gradient
    moved = models.build("resnet20", input_shape=(32, 32, 3)).count_params() - trained
    assert moved == 2 * sum((16 * 7, 32 * 6, 64 * 6))
    assert inside.split()[:2] == ["resnet20", f"{trained:,}"]
    assert across.split()[-3:] == ["1.9", "ms", "34.3%"]
