"""Short tables for notebooks: a graph's text of thousands of rows hid what was below it."""

from collections.abc import Sequence
from typing import Any

from tfprune.texts import escaped, told

ROWS = 20


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
        f"<tr>{''.join(f'<td>{escaped(told(value))}</td>' for value in row)}</tr>"
        for row in rows[:ROWS]
    )
    more = f"<p>and {len(rows) - ROWS:,} more</p>" if len(rows) > ROWS else ""
    return f"<p><b>{escaped(title)}</b></p><table><tr>{head}</tr>{body}</table>{more}"
