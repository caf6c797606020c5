"""How far a long step is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TextIO

from absl import logging
from tqdm import tqdm

from tfprune.passes.bars import DELAY, Bar
from tfprune.passes.progress import telling

EVERY, AT_LEAST_EVERY = 10.0, 60.0  # seconds after which another line is worth reading
_TICK = 1.0  # seconds after which a bar is drawn again, whatever goes on


class Lines:
    """Tells of one kind of pass after the other; what takes less than two seconds says nothing.

    Args:
        what: what is done.
        kind: what is counted.
        clock: seconds from any moment on.
        began: when the first pass did, by the clock.
    """

    def __init__(self, what: str, kind: str, clock: Callable[[], float], began: float):
        self.what, self.kind, self.clock = what, kind, clock
        self._begin(began)

    def __call__(self, done: int, of: int | None, left: float | None = None) -> None:
        """Take note that a pass has come so far.

        Args:
            done: as for `Bar`.
            of: as for `Bar`.
            left: seconds, where the pass knows better than its pace says.
        """
        now = self.clock()
        if done <= self._done:
            self._begin(now)
        if of and done and left is None:
            left = (now - self._started) / done * (of - done)
        self._done, self._of, self._end = done, of, None if left is None else now + left
        self._write()
        if done == of:
            self._begin(now)

    def draw(self) -> None:
        """Tell once more, if it is time: the step that goes on may be a long one."""
        if self._of:  # else nothing goes on, or nobody knows whether it does
            self._write()

    def _write(self) -> None:
        now = self.clock()
        first = self._told == self._started
        pause = min(max(EVERY, (now - self._started) / EVERY), AT_LEAST_EVERY)
        if now - self._told < (DELAY if first else pause):
            return
        self._told = now
        count = f"{self._done} of {self._of}" if self._of else f"{self._done}"
        rest = "" if self._end is None else f", about {max(self._end - now, 0):.0f} s left"
        logging.info("%s: %s %s%s", self.what, count, self.kind, rest)

    def _begin(self, now: float) -> None:
        self._done, self._of, self._end = 0, None, None
        self._started = self._told = now


class Progress:
    """Told by passes over data; what takes less than two seconds says nothing.

    As long as its `with` block lasts, passes within tell it. With --verbosity=-1 nothing is said.

    Args:
        what: the step, e.g. "Scoring".
        total: how many samples a pass has, where the pass does not know.
        stream: where a bar is drawn if it is a terminal.
        clock: seconds from any moment on.

    Example:
        >>> Progress("Scoring").hear("samples", 5, 10)
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
        self._kinds: dict[str, Bar | Lines] = {}
        self._heard = clock()
        self._lock, self._ended = threading.RLock(), threading.Event()

    def __enter__(self) -> "Progress":
        with ExitStack() as opened:
            opened.enter_context(telling(self))
            ticking = threading.Thread(target=self._tick, daemon=True)
            ticking.start()
            opened.callback(ticking.join)
            opened.callback(self._ended.set)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()
        for shown in self._kinds.values():
            if isinstance(shown, Bar):
                shown.close()

    def hear(self, what: str, done: int, of: int | None, left: float | None = None) -> None:
        """Take note that a pass has come so far.

        Args:
            what: what is counted: a step of one kind may consist of passes of another.
            done: how many; not more than before: another pass. 0: it begins.
            of: of how many; None where that is not known.
            left: seconds, where the pass knows better than its pace says.
        """
        if logging.get_verbosity() < logging.INFO:
            return
        if of is None and what == "samples":
            of = self.total
        with self._lock:
            if what not in self._kinds:
                self._kinds[what] = self._shown(what)
            shown = self._kinds[what]
            shown(done, of) if isinstance(shown, Bar) else shown(done, of, left)
            self._heard = self.clock()

    def draw(self) -> None:
        """Show once more what goes on."""
        with self._lock:
            for shown in self._kinds.values():
                shown.draw()

    def _shown(self, kind: str) -> Bar | Lines:
        if self.stream.isatty():
            return Bar(f"{self.what}, {kind}", partial(tqdm, file=self.stream))
        return Lines(self.what, kind, self.clock, self._heard)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self.draw()
