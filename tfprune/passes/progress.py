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


def tell(done: int) -> None:
    """Tell how many samples a pass has done."""
    progress = _TOLD.get()
    if progress is not None:
        progress(done, None, None)
