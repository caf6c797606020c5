"""The grammar of FP-FMC's compress rates."""

import re

from tfprune.errors import PruningError

_TERM = re.compile(r"\[(\d+\.\d*)\](?:\*([1-9]\d*))?")


def parse(text: str) -> list[float]:
    """Return the numbers of a list in the paper's grammar: terms `[r]` or `[r]*n`, joined by `+`.

    Args:
        text: e.g. "[0.]+[0.4]*2"; a number needs its point and a digit before it.

    Raises:
        PruningError: a term of another form; the term is named.

    Example:
        >>> parse("[0.]+[0.4]*2")
        [0.0, 0.4, 0.4]
    """
    rates: list[float] = []
    for term in text.split("+"):
        match = _TERM.fullmatch(term)
        if not match:
            raise PruningError(
                f"Compress rates {text!r}: expected terms such as [0.5] or [0.5]*9, joined by '+' "
                f"without spaces, and numbers such as 0. or 0.5; received the term {term!r}."
            )
        rates += [float(match[1])] * int(match[2] or 1)
    return rates
