"""Our end of the pipe to the peer's interpreter."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
TWINS = ("ResNet50", "MobileNetV2", "DenseNet121")  # as in torch_models.py, which needs torch


class PeerError(RuntimeError):
    """The peer cannot be asked; the message says why."""


class Peer:
    """Torch-Pruning in a process of its own, with one thread.

    Args:
        interpreter: a Python that has `torch` and `torch-pruning`.

    Raises:
        PeerError: there is no such interpreter, or it lacks one of the two.
    """

    def __init__(self, interpreter: str):
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter is the caller's own
                [interpreter, "-m", "benchmarks.peer_worker"],
                cwd=_ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise PeerError(
                f"no interpreter {interpreter!r} ({error.strerror}); expected a Python with torch "
                "and torch-pruning, e.g. of a virtual environment of their own"
            ) from error
        self.versions: dict[str, str] = self._answer()

    def task(self, model: str, task: str) -> Callable[[], float]:
        """Return a task that measures itself in the peer's process."""

        def timed() -> float:
            self._process.stdin.write(f"{model} {task}\n")
            self._process.stdin.flush()
            return self._answer()

        return timed

    def _answer(self) -> Any:
        line = self._process.stdout.readline()
        if not line:
            *_, last = self._process.communicate()[1].strip().splitlines() or ["(no message)"]
            raise PeerError(f"{self._process.args[0]!r} ended: {last}")
        return json.loads(line)
