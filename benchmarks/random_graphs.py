"""Prune random graphs by the thousand, and tell which come out wrong or not at all.

    python -m benchmarks.random_graphs [--count 2000] [--seed 0]
    python -m benchmarks.random_graphs --seed 0 --only 17,203     (those again, with their steps)

Images and sequences (numbers, tokens and words) take turns; a graph's number and the seed make it,
so that each can be had again. What is left is compared with the masked original found by numbers
alone (tests/oracle.py), saved, read back, and analysed again. A fault is printed with its
traceback.
"""

import argparse
import gc
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import keras

from tests.property import image_steps, random_models, sequence_steps
from tests.property.checking import check

_STEPS = (("image", image_steps.STEPS), ("sequence", sequence_steps.STEPS))


def _counting(steps: Sequence[Callable], kind: str, taken: Counter) -> tuple[Callable, ...]:
    """Return steps that count how often they are taken."""

    def counted(step: Callable) -> Callable:
        def take(growth: object, x: object) -> object:
            taken[f"{kind} {step.__name__}"] += 1
            return step(growth, x)

        return take

    return tuple(map(counted, steps))


def tried(number: int, seed: int, folder: Path) -> str | None:
    """Return the traceback of a graph that came out wrong, or None.

    Args:
        number: of the graph.
        seed: of the run.
        folder: for the files that are written.
    """
    choices = random.Random(f"{seed}/{number}")
    try:
        make = (random_models.image_models, random_models.sequence_models)[number % 2]
        model = make(choices, at_most=choices.choice((6, 10, 14)))
        check(model, choices.choice((0.5, 0.25, 0.9)), number % 100, folder / "small.keras")
    except Exception:  # any at all is a fault
        return traceback.format_exc()
    return None


def main(argv: Sequence[str]) -> int:
    """Print the faults and a line at the end; return 1 if there was any."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=lambda s: list(map(int, s.split(","))), help="numbers")
    given = parser.parse_args(argv)
    numbers = given.only or range(given.count)
    taken: Counter = Counter()
    images, sequences = (_counting(steps, kind, taken) for kind, steps in _STEPS)
    with (
        patch.object(image_steps, "STEPS", images),
        patch.object(sequence_steps, "STEPS", sequences),
        tempfile.TemporaryDirectory() as folder,
    ):
        faults = list(_faults(numbers, given.seed, Path(folder), taken, told=bool(given.only)))
    print(f"{len(numbers)} graphs, seed {given.seed}, of {len(taken)} kinds of steps "
          f"({taken.total()} steps): {len(faults)} faults {faults or ''}")  # fmt: skip
    return int(bool(faults))


def _faults(
    numbers: Sequence[int], seed: int, folder: Path, taken: Counter, *, told: bool
) -> Iterator[int]:
    """Yield the numbers of the graphs that came out wrong, and print what there is to tell."""
    start, found = time.perf_counter(), 0
    for place, number in enumerate(numbers, 1):
        before = Counter(taken)
        if (fault := tried(number, seed, folder)) is not None:
            found += 1
            print(f"graph {number}: {fault}", flush=True)
            yield number
        if told:
            print(f"graph {number}: {dict(taken - before)}", flush=True)
        if place % 100 == 0:
            keras.backend.clear_session()
            gc.collect()
            seconds = time.perf_counter() - start
            print(f"{place} graphs, {found} faults, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
