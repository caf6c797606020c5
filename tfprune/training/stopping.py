"""A training that is asked to stop saves where it stands, and ends.

Whoever hears the request (a signal, another thread) calls `ask`; what comes of it is a `Stopped`
out of `fine_tune`, once the step that goes on is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class Stopped(BaseException):
    """A training was asked to stop and has saved; called again, it goes on after its last step.

    As KeyboardInterrupt it is not an Exception, so that nothing takes it for a failure.
    """


@dataclass
class Listening:
    """A training that goes on.

    Args:
        asked: whether it was asked to stop.
    """

    asked: bool = False


_LISTENING: list[Listening] = []  # within one another, the innermost last


@contextmanager
def listening() -> Iterator[Listening]:
    """Yield what tells whether somebody has asked to stop since then."""
    _LISTENING.append(Listening())
    try:
        yield _LISTENING[-1]
    finally:
        _LISTENING.pop()


def ask() -> bool:
    """Ask the training that goes on to save and stop.

    Returns:
        Whether there is one that listens; else nothing comes of it.

    Example:
        >>> ask()
        False
        >>> with listening() as training:
        ...     ask(), training.asked
        (True, True)
    """
    if not _LISTENING:
        return False
    _LISTENING[-1].asked = True
    return True
