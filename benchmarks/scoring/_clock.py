"""Seconds on the clock and of all processors together: where others compute too, both tell."""

import os
import platform
import time
from collections.abc import Callable
from typing import Any

Seconds = tuple[float, float]  # on the clock, and of all processors together


def taken(task: Callable[[], Any]) -> tuple[Seconds, Any]:
    """Return the seconds that a task took, and what it returned.

    Example:
        >>> taken(lambda: 3)[1]
        3
    """
    start = now()
    result = task()
    return tuple(b - a for a, b in zip(start, now(), strict=True)), result


def now() -> Seconds:
    """Return the time, of which differences tell."""
    return time.perf_counter(), time.process_time()


def machine() -> str:
    """Return what the figures were measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load}"
