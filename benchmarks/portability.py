"""Run tests as other processors would: a test holds on all of them, or it asserts too much.

    python -m benchmarks.portability                              # all of tests/, all environments
    python -m benchmarks.portability tests/criteria --only zen prescott
    python -m benchmarks.portability tests/criteria --only amd -- -k fmc      # for pytest

Libraries choose their code by the processor, and each choice rounds in its own way. Environment
variables make the same choices here. Each environment is a process of its own with all its output
in `--logs`; the table says what failed where. The exit code is 1 if anything did.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from numpy._core._multiarray_umath import __cpu_dispatch__


def without(wanted: Callable[[str], bool]) -> dict[str, str]:
    """Return what keeps NumPy from using the code that it has for newer processors."""
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(filter(wanted, __cpu_dispatch__))}


def threads(count: int) -> dict[str, str]:
    """Return what makes TensorFlow, BLAS and OpenMP use a number of threads."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return dict.fromkeys([*names, "OPENBLAS_NUM_THREADS"], str(count))


AVX2 = without(lambda name: "AVX512" in name or name == "X86_V4")
PLAIN = without(lambda name: True)
# Not ONEDNN_MAX_CPU_ISA: TensorFlow does not look at it, and asks for bfloat16 where there is none.
EIGEN = {"TF_ENABLE_ONEDNN_OPTS": "0"}
ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {
    "as_it_is": {},
    "haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "zen": {"OPENBLAS_CORETYPE": "Zen"},
    "skylakex": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "onednn_off": EIGEN,
    "numpy_avx2": AVX2,
    "numpy_plain": PLAIN,
    "amd": AVX2 | EIGEN | {"OPENBLAS_CORETYPE": "Zen"},
    "oldest": PLAIN | EIGEN | {"OPENBLAS_CORETYPE": "Prescott"},
    "one_thread": threads(1),
    "two_threads": threads(2),
    "hash_seed": {"PYTHONHASHSEED": "1"},
    "reversed": {"PYTEST_PLUGINS": "benchmarks.portability"},  # the hook below
}


def pytest_collection_modifyitems(items: list) -> None:
    """Run the tests from the last to the first: none may lean on what another left behind."""
    items.reverse()


@dataclass(frozen=True)
class Outcome:
    """What the tests did in one environment.

    Args:
        tests: how many ran.
        failed: their names.
        seconds: wall time.
    """

    tests: int
    failed: tuple[str, ...]
    seconds: float

    def row(self, name: str) -> str:
        """Return a line of the table."""
        return f"{name:<12} {self.tests:>6} {len(self.failed):>6} {self.seconds:>8.0f}"


def run(name: str, arguments: Sequence[str], logs: Path) -> Outcome:
    """Run pytest in one environment.

    Args:
        name: of the environment.
        arguments: pytest's own.
        logs: folder for what it prints.
    """
    report, log = logs / f"{name}.xml", logs / f"{name}.log"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
    start = time.perf_counter()
    with log.open("w") as printed:
        code = subprocess.run(  # noqa: S603
            command, env=os.environ | ENVIRONMENTS[name], stdout=printed, stderr=subprocess.STDOUT,
            check=False,
        ).returncode  # fmt: skip
    seconds = time.perf_counter() - start
    if not report.exists() or code not in (0, 1):
        return Outcome(0, (f"pytest ended with {code}, see {log}",), seconds)
    return Outcome(*outcome(report.read_text()), seconds)


def outcome(report: str) -> tuple[int, tuple[str, ...]]:
    """Return how many tests ran, and which failed.

    Args:
        report: pytest's, as JUnit writes it.

    Example:
        >>> outcome('<a><testcase classname="t" name="x"><failure/></testcase></a>')
        (1, ('t::x',))
    """
    cases = list(ElementTree.fromstring(report).iter("testcase"))  # noqa: S314 - our own file
    failed = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    return len(cases), tuple(f"{case.get('classname')}::{case.get('name')}" for case in failed)


def main(arguments: Sequence[str]) -> int:
    """Run the tests in every environment and print a table."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", default=["tests"], help="tests, as for pytest")
    parser.add_argument("--only", nargs="+", choices=list(ENVIRONMENTS), default=[*ENVIRONMENTS])
    parser.add_argument("--logs", type=Path, default=Path("runs/portability"))
    given = parser.parse_args(arguments[:end])
    given.logs.mkdir(parents=True, exist_ok=True)
    print(f"{'environment':<12} {'tests':>6} {'failed':>6} {'seconds':>8}", flush=True)
    failures: dict[str, list[str]] = {}
    for name in given.only:
        found = run(name, [*given.paths, *arguments[end + 1 :]], given.logs)
        print(found.row(name), flush=True)
        for test in found.failed:
            failures.setdefault(test, []).append(name)
    for test, names in failures.items():
        print(f"{test}: {', '.join(names)}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
