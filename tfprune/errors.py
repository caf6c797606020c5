"""What every refusal of the library has in common."""

import difflib
from collections.abc import Iterable


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
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(names) or "(none)"
    return PruningError(f"Unknown {what} {name!r}.{hint} Valid names: {listed}.")
