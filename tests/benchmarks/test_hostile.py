"""benchmarks/hostile: its inputs are refused, and what goes wrong is seen."""

import random

import pytest

from benchmarks.hostile import __main__ as program
from benchmarks.hostile import cases
from benchmarks.hostile.cases import FAMILIES
from tfprune.errors import PruningError


def test_every_family_is_in_the_table():
    assert set(program.FAMILIES) == set(FAMILIES) - {"misbehaving"}


def test_files_of_a_run_that_are_whole_are_taken(tmp_path):
    for name, good in cases._good_run().items():
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_bytes(good)
        cases._RUN[name](folder / name)


def test_mistaken_calls_are_made_by_the_hundred(tmp_path):
    names = [name for name, _ in FAMILIES["arguments"](random.Random(0), tmp_path / "x")]
    assert len(names) > 900


def test_headers_that_lie_are_refused(tmp_path):
    refused = 0
    for number, (_, read) in enumerate(FAMILIES["safetensors"](random.Random(0), tmp_path / "x")):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            read(folder)
        except PruningError:
            refused += 1
    assert refused > 100


@pytest.mark.slow
def test_what_goes_wrong_is_counted():
    assert program.judged("misbehaving", 0) == {
        "traceback": 2, "code": 1, "crash": 1, "time": 1, "taken": 1, "refused": 1,
    }  # fmt: skip
