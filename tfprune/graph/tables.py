"""Tables as text and as HTML, for consoles and notebooks."""

import html
from collections.abc import Sequence

_SHOWN = 40  # rows of a table in a notebook


def text_table(rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """Return rows of cells as aligned lines.

    Args:
        rows: the header and the rows, of equal lengths.
        left: how many columns, from the first on, are aligned to the left; by default all.

    Example:
        >>> print(text_table([("layer", "MACs"), ("a", "12")], left=1))
        layer  MACs
        a        12
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = len(widths) if left is None else left
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def html_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a short HTML table; whatever a name holds is shown, never run.

    Args:
        title: the line above the table.
        rows: the header and the rows, of equal lengths; what is beyond the first 40 is counted.

    Example:
        >>> html_table("A & B", [("layer",), ("<b>",)])
        '<p>A &amp; B</p><table><tr><th>layer</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    header, *body = rows
    lines = [_line("th", header), *(_line("td", row) for row in body[:_SHOWN])]
    more = f"<p>and {len(body) - _SHOWN:,} more rows</p>" if len(body) > _SHOWN else ""
    return f"<p>{html.escape(title)}</p><table>{''.join(lines)}</table>{more}"


def _line(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
