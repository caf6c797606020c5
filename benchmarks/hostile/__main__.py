"""Give tfprune damaged, hostile and mistaken inputs, and count what they do.

    python -m benchmarks.hostile                        # every family
    python -m benchmarks.hostile --families=pickles --seed 1

Each input is read in a process that may take 2 GiB more than it has, in an empty folder. Expected
is that it is taken, or refused by a `PruningError`. A row of the table counts what else happened:
`traceback`, an error of another kind; `code`, something in the input was run; `time`, more than ten
seconds of computing, and one for each megabyte; `crash`, the process ended or hung. All of them
should be 0.
"""

import argparse
import json
import select
import subprocess
import sys
from collections import Counter

FAMILIES = (
    "run_folder", "arrays", "pickles", "safetensors", "models", "class_folders", "arguments",
)  # fmt: skip
_HANGS = 180.0  # seconds without an answer
_WRONG = ("traceback", "code", "time", "crash")


def judged(family: str, seed: int) -> Counter:
    """Return how often each verdict was given in a family; those that are wrong are told."""
    found: Counter = Counter()
    while True:
        command = [sys.executable, "-m", "benchmarks.hostile.reader", family, str(seed)]
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, str(found.total())], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with process.stdout:
            begun = _read(process, found, family)
        if begun is None:
            if process.wait():
                raise SystemExit(f"{family}: the reader ended with {process.returncode}")
            return found
        process.kill()  # it ended, or hangs, in the middle of one
        _count(found, family, begun, "crash", f"exit code {process.wait()}")


def _read(process: subprocess.Popen, found: Counter, family: str) -> str | None:
    """Count what a reader tells, and return the input that it has not come back from."""
    begun = None
    while line := _line(process):
        told = json.loads(line)
        if "begun" in told:
            begun = told["begun"]
        else:
            _count(found, family, begun or "", told["verdict"], told["why"])
            begun = None
    return begun


def _line(process: subprocess.Popen) -> bytes:
    """Return the next line; nothing at the end, or when none has come for long."""
    ready, _, _ = select.select([process.stdout], [], [], _HANGS)
    return process.stdout.readline() if ready else b""


def _count(found: Counter, family: str, what: str, verdict: str, why: str) -> None:
    found[verdict] += 1
    if verdict in _WRONG:
        print(f"{family}: {verdict}: {what}: {why}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the table, and fail where anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--seed", type=int, default=0, help="of the damage that is drawn")
    given = parser.parse_args()
    columns = ("taken", "refused", *_WRONG)
    print(f"{'family':<16}{'inputs':>8}" + "".join(f"{name:>11}" for name in columns))
    total: Counter = Counter()
    for family in given.families.split(","):
        found = judged(family, given.seed)
        total += found
        print(_row(family, found, columns), flush=True)
    print(_row("all", total, columns))
    sys.exit(any(total[name] for name in _WRONG))


def _row(name: str, found: Counter, columns: tuple[str, ...]) -> str:
    cells = "".join(f"{found[column]:>11}" for column in columns)
    return f"{name:<16}{sum(found.values()):>8}{cells}"


if __name__ == "__main__":
    main()
