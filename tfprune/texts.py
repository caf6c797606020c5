"""Values as text on a page: nothing in a name becomes markup, or stays unseen."""

import html
import unicodedata
from collections.abc import Mapping
from typing import Any

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, also of writing direction


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


def told(value: Any) -> str:
    """Return a value as a reader expects it.

    Example:
        >>> told(1234567), told(0.00012345), told(None), told({"ratio": 0.5})
        ('1,234,567', '0.0001234', '', 'ratio = 0.5')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {told(own)}" for name, own in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(told, value))
    return str(value)
