"""Time several tasks side by side, so that a busy machine slows them alike."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Timing:
    """The times of one task.

    Args:
        seconds: one entry per round.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """The shortest time in seconds: what the task takes when nothing disturbs it."""
        return min(self.seconds)


def stopwatch(
    task: Callable[[], Any], clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """Return a task that measures itself: it returns the seconds it took, by a clock of `time`.

    Example:
        >>> stopwatch(lambda: None)() >= 0
        True
    """

    def timed() -> float:
        start = clock()
        task()
        return clock() - start

    return timed


def interleaved(
    tasks: Mapping[str, Callable[[], float]], rounds: int, warm_up: int
) -> dict[str, Timing]:
    """Run every task once per round, in turns.

    Args:
        tasks: {name: task}; each returns its own time in seconds, so that it may set itself up
            beforehand.
        rounds: how often each task is measured.
        warm_up: rounds before the first that counts.

    Example:
        >>> times = interleaved({"a": lambda: 1.0, "b": lambda: 2.0}, rounds=3, warm_up=1)
        >>> times["b"].median, len(times["a"].seconds)
        (2.0, 3)
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(warm_up + rounds):
        for name, task in tasks.items():
            gc.collect()  # the models of the turn before are cyclic: nobody else pays for them
            taken = task()
            if turn >= warm_up:
                seconds[name].append(taken)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def peak_memory(task: Callable[[], Any]) -> tuple[int, Any]:
    """Return how many bytes a task needs at most beyond what is there, and what it returns.

    The peak is the kernel's record of resident memory, so that TensorFlow's buffers count too.
    """
    gc.collect()
    _CLEAR.write_text("5")  # the peak so far is forgotten: man 5 proc
    before = _status("VmRSS")
    result = task()
    return max(0, _status("VmHWM") - before), result


def resident_memory() -> int | None:
    """Return the bytes of this process, without garbage; None where the kernel does not tell."""
    gc.collect()
    return _status("VmRSS") if _CLEAR.exists() else None


def _status(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
