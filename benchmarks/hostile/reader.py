"""Read the inputs of a family one by one: `reader FAMILY SEED FIRST`, a line of JSON for each."""

import json
import os
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.hostile.cases import FAMILIES
from tfprune.errors import PruningError

_MEMORY, _SECONDS, _PER_SECOND = 2 * 2**30, 10.0, 1e6  # bytes; bytes per second beyond that


def judge(read: Callable[[Path], Any], folder: Path, canary: Path) -> tuple[str, str]:
    """Return what an input did, and what was said about it.

    Args:
        read: reads it.
        folder: an empty one.
        canary: the file that shows that something was run.
    """
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    begun, why = time.process_time(), ""
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, resource.RLIM_INFINITY))
    try:
        read(folder)
        verdict = "taken"
    except PruningError as error:
        verdict, why = "refused", str(error)
    except Exception as error:
        verdict, why = "traceback", f"{type(error).__name__}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    spent = time.process_time() - begun
    if spent > _SECONDS + sum(file.stat().st_size for file in folder.rglob("*")) / _PER_SECOND:
        verdict = "time"
    if canary.exists():
        verdict = "code"
        canary.unlink()
    return verdict, why[:300]


def main(family: str, seed: int, first: int) -> None:
    """Read the inputs of a family from one on."""
    warnings.simplefilter("ignore")
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an input prints is no answer
    with tempfile.TemporaryDirectory() as name:
        canary = Path(name) / "canary"
        os.chdir(name)  # a path that was a mistake may be taken
        for number, (what, read) in enumerate(FAMILIES[family](random.Random(seed), canary)):
            if number < first:
                continue
            folder = Path(name) / str(number)
            folder.mkdir()
            told.write(json.dumps({"begun": what}) + "\n")
            verdict, why = judge(read, folder, canary)
            told.write(json.dumps({"verdict": verdict, "why": why}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
