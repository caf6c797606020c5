"""Whom a pass over data tells how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Progress = Callable[[int, int | None, float | None], Any]

# As TensorFlow's strategies: set around a call, so that no criterion has to hand it on.
_TOLD: ContextVar[Progress | None] = ContextVar("told", default=None)


@contextmanager
def telling(progress: Progress | None) -> Iterator[None]:
    """Let passes within tell how far they are.

    Args:
        progress: called with (samples done, of how many, seconds left); the last two are None
            where they are not known. None: nobody is told.

    Example:
        >>> with telling(lambda done, of, left: print(done, of, left)):
        ...     tell(32)
        32 None None
    """
    token = _TOLD.set(progress)
    try:
        yield
    finally:
        _TOLD.reset(token)


def listener() -> Progress | None:
    """Return whom passes tell now, None for nobody."""
    return _TOLD.get()


def tell(done: int, of: int | None = None) -> None:
    """Tell how many samples, or steps, a pass has done, and of how many."""
    progress = _TOLD.get()
    if progress is not None:
        progress(done, of, None)
