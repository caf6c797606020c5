"""The progress of a pass over data, and who is told of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from tfprune.passes.bars import NotebookBars

Progress = Callable[[int, int | None, float | None], Any]

_IN_NOTEBOOKS = NotebookBars()
# As TensorFlow's strategies: set around a call, so that no criterion has to hand it on.
_LISTENER: ContextVar[Progress | None] = ContextVar("listener", default=_IN_NOTEBOOKS)


@contextmanager
def telling(progress: Progress | None) -> Iterator[None]:
    """Let passes within tell how far they are.

    Args:
        progress: called with (samples done, of how many, seconds left); the last two are None
            where they are not known. None: nobody is told, and a notebook shows no bars either.

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


def listener() -> Progress | None:
    """Return whom passes tell now, by default a notebook's bars; None for nobody."""
    return _LISTENER.get()


def tell(done: int, of: int | None = None, what: str = "steps") -> None:
    """Tell how many samples, or steps, a pass has done, and of how many.

    Args:
        done: how many.
        of: of how many; None where that is not known.
        what: what is counted, for the bars of a notebook.
    """
    progress = _LISTENER.get()
    if isinstance(progress, NotebookBars):
        progress(done, of, what=what)
    elif progress is not None:
        progress(done, of, None)


def teller(progress: Callable[[int, int], Any] | None, what: str) -> Callable[[int, int], Any]:
    """Return whom a step tells: the one it was given, or whoever listens around the call.

    Args:
        progress: called with (done, of how many), or None.
        what: as for `tell`.
    """
    return progress or partial(tell, what=what)
