"""What every refusal of the library has in common."""

import difflib
from collections.abc import Iterable
from functools import partial
from itertools import takewhile


class PruningError(ValueError):
    """An input that tfprune refuses, with what was expected, what came and what to do."""


def unknown(what: str, name: object, valid: Iterable[str]) -> PruningError:
    """Return the error for a name that is not among the valid ones, with the nearest first.

    Args:
        what: the kind of thing that was asked for, e.g. "criterion".
        name: the received name.
        valid: all valid names.
    """
    names = sorted(valid)
    close = difflib.get_close_matches(str(name), names, n=len(names) or 1)
    # Of equally close names the one that begins like it: resnet21 is resnet20 and not resnet32.
    near = max(close, key=partial(_likeness, str(name)), default=None)
    hint = "" if near is None else f" Did you mean {near!r}?"
    listed = ", ".join(names) or "(none)"
    return PruningError(f"Unknown {what} {name!r}.{hint} Valid names: {listed}.")


def require_known(what: str, name: object, valid: Iterable[str]) -> None:
    """Refuse what is none of the valid names, of whatever type it is.

    Args:
        what: the kind of thing that was asked for.
        name: the received name.
        valid: all valid names.

    Example:
        >>> require_known("schedule", ["step"], ["step", "cosine"])
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: Unknown schedule ['step']. ... Valid names: cosine, step.
    """
    if not isinstance(name, str) or name not in valid:
        raise unknown(what, name, valid)


def _likeness(name: str, other: str) -> tuple[float, int]:
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False))
    return difflib.SequenceMatcher(None, other, name).ratio(), len([*alike])
