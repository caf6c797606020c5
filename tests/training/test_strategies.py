"""Training on two devices equals training on one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import on_two_devices as program


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """{case: what it found}."""
    path = tmp_path_factory.mktemp("devices") / "found.json"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", program.__name__, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())


@pytest.fixture
def of(found):
    def of(case):
        assert isinstance(found[case.__name__], dict), found[case.__name__]
        return found[case.__name__]

    return of


@pytest.mark.parametrize("case", program.EQUAL, ids=lambda case: case.__name__)
def test_two_devices_equal_one(of, case):
    assert of(case)["weights"] < 1e-5
    assert of(case)["figures"] < 1e-5
    assert of(case)["moved"] > 0.01  # it was a training


def test_a_device_without_a_sample_spoils_nothing(of):
    assert of(program.a_last_batch_of_one_sample)["finite"]


def test_a_run_on_two_devices_goes_on_to_the_bit(of):
    assert of(program.a_run_that_is_stopped) == {"weights": 0, "epochs": 3}


def test_parts_of_a_half_precise_batch_on_two_devices_make_the_step_of_the_whole(of):
    case = of(program.half_precision_in_parts)
    assert case["weights"] < 2e-3  # float16 has three digits
    assert case["moved"] > 0.02


def test_what_overflows_on_one_device_counts_on_none(of):
    case = of(program.half_precision)
    assert case["finite"]
    assert case["weights"] < 0.02
    assert case["moved"] > 0.1
