"""The sweep over environments: each reaches the libraries, and a failure is told by its name."""

import sys

import pytest

from benchmarks import portability

TESTS = """
import os

def test_one():
    assert os.environ.get("OPENBLAS_CORETYPE") != "Zen"

def test_two():
    assert os.environ["SEEN"] == "yes"
"""


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEN", "yes")
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def test_failures_are_told_with_their_environments(logs, capsys):
    tests = [str(logs), "--only", "haswell", "zen", f"--logs={logs}", "--", f"--rootdir={logs}"]
    assert portability.main(tests) == 1
    _, haswell, zen, failed = capsys.readouterr().out.splitlines()
    assert haswell.split()[:3] == ["haswell", "2", "0"]
    assert zen.split()[:3] == ["zen", "2", "1"]
    assert failed == "test_some::test_one: zen"


def test_tests_that_do_not_run_are_a_failure(logs):
    found = portability.run("haswell", [str(logs / "nothing")], logs)
    assert found.tests == 0
    assert found.failed[0].startswith("pytest ended with 4, see ")


def test_reversed_runs_the_last_test_first(logs):
    portability.run("reversed", [str(logs), "-v", f"--rootdir={logs}"], logs)
    printed = (logs / "reversed.log").read_text()
    assert 0 < printed.index("test_two") < printed.index("test_one")


def test_numpy_runs_without_the_code_that_is_switched_off():
    asked = "from numpy._core._multiarray_umath import __cpu_features__ as f, __cpu_dispatch__ as d"
    for name in ("numpy_plain", "oldest"):
        environment = portability.ENVIRONMENTS[name]
        printed = portability.subprocess.run(
            [sys.executable, "-c", f"{asked}; print([n for n in d if f[n]])"],
            env=portability.os.environ | environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert printed.stdout == "[]\n"
