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

from flags.progress_lines import Elapsed, Lines
from tfprune.passes.bars import Bar
from tfprune.passes.progress import telling

_TICK = 1.0  # seconds after which a bar is drawn again, whatever goes on


class Progress:
    """Told by passes over data; what takes less than two seconds says nothing.

    While nobody tells anything, it shows how long the step takes already.

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
        self._elapsed = Elapsed(what, self.stream, clock)
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
        for shown in (*self._kinds.values(), self._elapsed):
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
            self._elapsed.close()
            if what not in self._kinds:
                self._kinds[what] = self._shown(what)
            shown = self._kinds[what]
            shown(done, of) if isinstance(shown, Bar) else shown(done, of, left)
            self._heard = self.clock()

    def draw(self) -> None:
        """Show once more what goes on."""
        if logging.get_verbosity() < logging.INFO:
            return
        with self._lock:
            for shown in self._kinds.values():
                shown.draw()
            if not any(shown.goes_on for shown in self._kinds.values()):
                self._elapsed.draw()

    def _shown(self, kind: str) -> Bar | Lines:
        if self.stream.isatty():
            return Bar(f"{self.what}, {kind}", partial(tqdm, file=self.stream))
        return Lines(self.what, kind, self.clock, self._heard)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self.draw()
