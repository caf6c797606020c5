"""Plain lines on how far a long step is, and what is shown while nobody tells."""

from collections.abc import Callable
from typing import TextIO

from absl import logging
from tqdm import tqdm

from tfprune.passes.bars import DELAY

EVERY, AT_LEAST_EVERY = 10.0, 60.0  # seconds after which another line is worth reading


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

    @property
    def goes_on(self) -> bool:
        """Whether a pass is known not to have ended."""
        return bool(self._of)

    def draw(self) -> None:
        """Tell once more, if it is time: the step that goes on may be a long one."""
        if self.goes_on:
            self._write()

    def close(self) -> None:
        """Nothing is left behind."""

    def _write(self) -> None:
        now = self.clock()
        first = self._told == self._started
        if now - self._told < (DELAY if first else _pause(now - self._started)):
            return
        self._told = now
        count = f"{self._done} of {self._of}" if self._of else f"{self._done}"
        left = None if self._end is None else self._end - now
        # Steps are not alike: what takes longer than the pace of those before has no known end.
        rest = "" if left is None or left < 0.5 else f", about {left:.0f} s left"
        logging.info("%s: %s %s%s", self.what, count, self.kind, rest)

    def _begin(self, now: float) -> None:
        self._done, self._of, self._end = 0, None, None
        self._started = self._told = now


class Elapsed:
    """Shows that a step goes on, while nothing within it tells how far it is.

    Args:
        what: the step.
        stream: where a line is drawn again and again if it is a terminal.
        clock: seconds from any moment on.
    """

    def __init__(self, what: str, stream: TextIO, clock: Callable[[], float]):
        self.what, self.stream, self.clock = what, stream, clock
        self._began = self._told = clock()
        self._bar: tqdm | None = None

    def draw(self) -> None:
        """Show how long it has taken, if it is time."""
        now = self.clock()
        soon = self.stream.isatty() or self._told == self._began
        if now - self._told < (DELAY if soon else _pause(now - self._began)):
            return
        if not self.stream.isatty():
            self._told = now
            logging.info("%s: %.0f s so far", self.what, now - self._began)
        elif self._bar is None:
            layout = "{desc}: {elapsed}"
            self._bar = tqdm(desc=self.what, file=self.stream, leave=False, bar_format=layout)
        else:
            self._bar.refresh()

    def close(self) -> None:
        """Take the line away: something tells more, or the step has ended."""
        self._told = self.clock()
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _pause(taken: float) -> float:
    """Return the seconds until the next line: the longer a step takes, the fewer tell of it."""
    return min(max(EVERY, taken / EVERY), AT_LEAST_EVERY)
