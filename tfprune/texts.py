"""Values as readable text on pages and in notebooks, in which no name becomes markup."""

import html
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

ROWS = 20  # of a table in a notebook: one of thousands hid what was below it
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, also of writing direction


class Share(float):
    """A part of a whole: `readable` tells it as a percentage, files hold the number itself.

    Example:
        >>> readable(Share(0.9375)), str(Share(0.9375))
        ('93.75%', '0.9375')
    """


def shown(text: object) -> str:
    """Return a text in one line in which every character can be seen.

    Example:
        >>> shown("a\\x00b\\u202e")
        'a\\\\x00b\\\\u202e'
    """
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _UNSEEN
        else character
        for character in str(text)
    )


def escaped(text: object) -> str:
    """Return a text for HTML, in an element or in an attribute.

    Example:
        >>> escaped('<b> & "c"')
        '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return html.escape(shown(text))


def readable(value: Any) -> str:
    """Return a value as a reader expects it.

    Example:
        >>> readable(1234567), readable(0.00012345), readable(None), readable({"ratio": 0.5})
        ('1,234,567', '0.0001234', '', 'ratio = 0.5')
    """
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {readable(own)}" for name, own in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(readable, value))
    return str(value)


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Share):
        return f"{value:.2%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return an HTML table of the first rows, and how many more there are.

    Args:
        title: over the table.
        header: a name per column.
        rows: a value per column each: text, number or None.

    Example:
        >>> table("two", ["n"], [[1], [2]]).count("<tr>")
        3
        >>> "and 30 more" in table("many", ["n"], [[n] for n in range(50)])
        True
    """
    head = "".join(f"<th>{escaped(name)}</th>" for name in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escaped(readable(value))}</td>' for value in row)}</tr>"
        for row in rows[:ROWS]
    )
    more = f"<p>and {len(rows) - ROWS:,} more</p>" if len(rows) > ROWS else ""
    return f"<p><b>{escaped(title)}</b></p><table><tr>{head}</tr>{body}</table>{more}"
