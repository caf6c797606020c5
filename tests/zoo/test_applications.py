"""All of keras.applications: pruned at random, equal to the masked original.

The whole sweep takes about half an hour: `pytest -m zoo tests/zoo`. It writes zoo.csv and zoo.md
into the folder that TFPRUNE_ZOO names (runs/zoo by default); docs/zoo.md holds a copy.
"""

import gc
import os
from pathlib import Path

import keras
import numpy as np
import pytest

import tfprune
from tests.zoo import applications, sweep, table

_FOLDER = Path(os.environ.get("TFPRUNE_ZOO", "runs/zoo"))
_TOLERANCE = 1e-5
_QUICK = ("DenseNet121", "EfficientNetB0", "MobileNetV3Small", "ResNet50V2")


@pytest.fixture(autouse=True)
def one_network_at_a_time():
    yield
    keras.utils.clear_session()
    gc.collect()


@pytest.fixture(scope="module")
def rows() -> list[sweep.Row]:
    return []


@pytest.mark.parametrize("name", _QUICK)
def test_small_maps(name):
    model = applications.build(name, size=32)
    before = sweep.fingerprint(model)
    graph = tfprune.analyse(model)
    keep = tfprune.select(graph, tfprune.score(graph, "random", None, seed=1), ratio=0.5)
    small = tfprune.rebuild(graph, keep)
    assert sweep.difference(model, keep, small, applications.images(model, 2)) <= _TOLERANCE
    assert sweep.reach(graph) == 1
    assert small.count_params() < 0.4 * model.count_params()
    assert sweep.fingerprint(model) == before


@pytest.mark.zoo
@pytest.mark.parametrize("name", applications.names())
def test_application(name, rows, tmp_path):
    row = sweep.measure(applications.build(name), tmp_path, seed=1)
    rows.append(row)
    table.write(rows, _FOLDER)
    assert row.difference <= _TOLERANCE
    assert row.reloaded


@pytest.mark.zoo
def test_reach_of_the_whole_sweep(rows):
    names = applications.names()
    assert len(names) >= 38
    if len(rows) < len(names):
        pytest.skip(f"{len(rows)} of {len(names)} networks were swept; run them all")
    assert np.mean([row.reach for row in rows]) >= 0.9
