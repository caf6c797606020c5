"""DeepLabV3 trains on two devices as on one where batch normalisation is synchronised."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # half a minute, most of it tracing


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """{what was trained: largest difference from one device}."""
    path = tmp_path_factory.mktemp("replicas") / "found.json"
    command = [sys.executable, "-m", "tests.models.deeplab_on_two_devices", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(  # noqa: S603 - our own program
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())


def test_synchronised_statistics_give_the_weights_of_one_device(found):
    assert found["untrained"] > 0.01
    assert found["synchronized"] < 1e-3 * found["untrained"]


def test_statistics_of_each_device_alone_do_not(found):
    assert found["each its own"] > 100 * found["synchronized"]
