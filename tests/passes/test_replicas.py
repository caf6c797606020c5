"""What several devices find, which no criterion knows of, is what one finds to the bit."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data import streets
from tests.data.photographs import write
from tests.passes.on_replicas import CRITERIA, MEASURED, replicas
from tfprune.passes.divided import Divided, as_sized
from tfprune.passes.replicas import Replicas


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder of photographs of which some are damaged, whole batches too, and one of masks."""
    folder = tmp_path_factory.mktemp("photographs") / "images"
    write(folder, ["a", "b", "c"], 15, size=(16, 24), suffix="png")
    files = sorted(folder.rglob("*.png"))
    for path in (*files[3:7], files[20], files[-1]):
        path.write_bytes(b"no picture")
    voc = streets.write(folder.parent / "voc", {"train": 9, "val": 1, "test": 1})
    return {"PICTURES": str(folder), "STREETS": str(voc)}


@pytest.fixture(scope="module")
def found(tmp_path_factory, photographs):
    """{criterion/replicas/layer: scores}."""
    path = tmp_path_factory.mktemp("replicas") / "scores.npz"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error::UserWarning", "-m", "tests.passes.on_replicas", str(path)],
        env={**os.environ, **photographs, "PYTHONPATH": root}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(path))


@pytest.mark.parametrize("criterion", CRITERIA)
def test_scores_under_a_strategy_equal_those_without_to_the_bit(found, criterion):
    layers = {name.split("/")[2] for name in found if name.startswith(f"{criterion}/0/")}
    assert layers >= {"conv"}
    for layer in layers:
        one = found[f"{criterion}/0/{layer}"]
        assert np.ptp(one) > 0
        for count in replicas(criterion)[1:]:
            np.testing.assert_array_equal(found[f"{criterion}/{count}/{layer}"], one)


@pytest.mark.parametrize("case", MEASURED)
def test_figures_and_statistics_under_a_strategy_are_those_without_to_the_bit(found, case):
    alone = {name: value for name, value in found.items() if name.startswith(f"{case}/0/")}
    assert alone
    for name, one in alone.items():
        assert np.ptp(one) > 0
        for count in replicas(case)[1:]:
            np.testing.assert_array_equal(found[name.replace("/0/", f"/{count}/")], one)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_real_workers_find_what_one_process_does_to_the_bit(found, photographs, tmp_path, workers):
    root = Path(__file__).parents[2]
    own = {"PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "launch.py", f"--workers={workers}", "--", sys.executable, "-m",
         "tests.passes.on_replicas", str(tmp_path / "scores")],
        cwd=root, env={**os.environ, **photographs, **own},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    for number in range(workers):
        scores = dict(np.load(tmp_path / f"scores{number}.npz"))
        alone = {name: value for name, value in found.items() if "/0/" in name}
        assert scores.keys() == {name.replace("/0/", "/workers/") for name in alone}
        for name, value in alone.items():
            np.testing.assert_array_equal(scores[name.replace("/0/", "/workers/")], value)


def test_without_a_strategy_one_replica_does_all():
    whole = Replicas(tf.distribute.get_strategy())
    double = whole.function(lambda x, y: {"sum": x + y}, [[tf.TensorSpec([None])] * 2])
    parts = [[tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])]]
    [result] = whole.all(double(whole.own(parts)), 1)
    assert result["sum"].tolist() == [4.0, 6.0]


def test_steps_of_many_models_are_traced_without_a_warning(caplog):
    """TensorFlow counts the functions that are made anew by themselves, not their graphs."""
    for _ in range(8):
        ((_, _, found),) = Divided(lambda x: x + 1).over([(np.ones(2),)], as_sized)
        np.testing.assert_array_equal(found, [2, 2])
    assert "retracing" not in caplog.text
