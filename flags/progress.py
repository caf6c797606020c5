"""How far a long step is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO

from absl import logging
from tqdm import tqdm

from tfprune.passes.bars import DELAY, Bar

EVERY = 10.0  # seconds after which another line is worth reading


class Progress:
    """Told by passes over data; what takes less than two seconds says nothing.

    With --verbosity=-1 nothing is said at all.

    Args:
        what: the step, e.g. "Scoring".
        total: how many samples a pass has, where the pass does not know.
        stream: where a bar is drawn if it is a terminal.
        clock: seconds from any moment on.

    Example:
        >>> Progress("Scoring")(5, 10, None)
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.what, self.total, self.clock = what, total, clock
        self.stream = stream or sys.stderr
        self._bar = Bar(what, partial(tqdm, file=self.stream))
        self._done, self._started, self._told = 0, clock(), clock()

    def __call__(self, done: int, of: int | None, left: float | None) -> None:
        """Take note that a pass has come so far, as `tfprune.score(progress=)` tells it."""
        if logging.get_verbosity() < logging.INFO:
            return
        if done <= self._done:  # another pass
            self._begin()
        of = of or self.total
        if self.stream.isatty():
            self._bar(done, of)
        else:
            self._write(done, of, left)
        self._done = done
        if done == of:
            self._begin()

    def _begin(self) -> None:
        self._done = 0
        self._started = self._told = self.clock()

    def _write(self, done: int, of: int | None, left: float | None) -> None:
        now = self.clock()
        spent = now - self._started
        if spent < DELAY or now - self._told < (DELAY if self._told == self._started else EVERY):
            return
        self._told = now
        if of and left is None:
            left = spent / done * (of - done)
        count = f"{done} of {of}" if of else f"{done}"
        rest = "" if left is None else f", about {left:.0f} s left"
        logging.info("%s: %s%s", self.what, count, rest)
