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
    start = time.perf_counter(), time.process_time()
    result = task()
    return (time.perf_counter() - start[0], time.process_time() - start[1]), result


def machine() -> str:
    """Return what the figures were measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load}"
