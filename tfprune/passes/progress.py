"""The progress of a pass over data, and who is told of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, runtime_checkable

from tfprune.passes.bars import OwnBars

Progress = Callable[[int, int | None, float | None], Any]


@runtime_checkable
class Hearing(Protocol):
    """A listener that is told what is counted, and when that begins."""

    def hear(self, what: str, done: int, of: int | None, left: float | None = None) -> None:
        """Take note that `done` of so many steps of a kind are done, and of the seconds left."""


_OWN_BARS = OwnBars()
# As TensorFlow's strategies: set around a call, so that no criterion has to hand it on.
_LISTENER: ContextVar[Progress | Hearing | None] = ContextVar("listener", default=_OWN_BARS)


@contextmanager
def telling(progress: Progress | Hearing | None) -> Iterator[None]:
    """Let passes within tell how far they are.

    Args:
        progress: called with (samples done, of how many, seconds left); the last two are None
            where they are not known. None: nobody is told, and no bars are shown either.

    Example:
        >>> with telling(lambda done, of, left: print(done, of, left)):
        ...     tell(32)
        32 None None
    """
    token = _LISTENER.set(progress)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def listener(what: str) -> Progress | None:
    """Return the function that passes tell now, by default bars; None for nobody.

    Args:
        what: what is counted.
    """
    progress = _LISTENER.get()
    return partial(progress.hear, what) if isinstance(progress, Hearing) else progress


def tell(done: int, of: int | None = None, what: str = "steps") -> None:
    """Tell how many samples, or steps, a pass has done, and of how many.

    Args:
        done: how many; 0 as it begins, for those who show that.
        of: of how many; None where that is not known.
        what: what is counted.
    """
    progress = _LISTENER.get()
    if isinstance(progress, Hearing):
        progress.hear(what, done, of)
    elif progress is not None and done:
        progress(done, of, None)


@contextmanager
def counting(what: str, of: int | None = None) -> Iterator[Callable[[int], None]]:
    """Give what counts the steps of a pass, and tells of them from its beginning to its end.

    Args:
        what: what is counted.
        of: how many there are; None where nobody knows.

    Example:
        >>> with telling(lambda done, of, left: print(done, of)), counting("samples") as count:
        ...     count(32)
        ...     count(8)
        32 None
        40 None
    """
    done = 0
    tell(done, of, what)

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(done, of, what)

    try:
        yield count
    finally:
        progress = _LISTENER.get()
        if isinstance(progress, Hearing):  # which shows a bar that ends where this is the last
            progress.hear(what, done, done)


def teller(
    progress: Callable[[int, int], Any] | None, what: str, of: int
) -> Callable[[int, int], Any]:
    """Return whom a step tells: the one it was given, or whoever listens around the call.

    Args:
        progress: called with (done, of how many), or None.
        what: as for `tell`.
        of: of how many, as far as that is known as it begins.
    """
    if progress is not None:
        return progress
    tell(0, of, what)
    return partial(tell, what=what)
