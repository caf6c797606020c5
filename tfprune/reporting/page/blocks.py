"""What a section of the page is made of: tables, bars, notes."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfprune.texts import escaped, readable, shown


@dataclass(frozen=True)
class Table:
    """Rows under a header; also a CSV file of its own.

    Args:
        name: of the file, without its ending; "" for a table that is on the page alone.
        header: a name per column.
        rows: a value per column each: text, number, truth or None.
        folded: on the page the reader opens it; the text to click on.

    Example:
        >>> Table("t", ["layer", "kept"], [["a<b", 3]]).csv()
        'layer,kept\\na<b,3\\n'
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    folded: str = ""

    def html(self) -> str:
        """Return the table in an element that scrolls by itself."""
        columns = zip(*self.rows, strict=True) if self.rows else [[name] for name in self.header]
        first = [next((x for x in column if x is not None), None) for column in columns]
        head = "".join(
            f"<th scope=col{_kind(value)}>{escaped(name)}</th>"
            for name, value in zip(self.header, first, strict=True)
        )
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        table = (
            f"<div class=scroll tabindex=0><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>"
        )
        return folded(self.folded, table) if self.folded else table

    def csv(self) -> str:
        """Return the values themselves, no thousands separated and nothing rounded."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(shown, self.header))
        writer.writerows([shown(x) if isinstance(x, str) else x for x in row] for row in self.rows)
        return text.getvalue()


@dataclass(frozen=True)
class Bars:
    """Shares of a whole, one under the other.

    Args:
        rows: (label, share in [0, 1], text beside the bar) each.

    Example:
        >>> Bars([("stem", 0.5, "4 of 8")]).html().count("<rect")
        2
    """

    rows: Sequence[tuple[str, float, str]]

    def html(self) -> str:
        """Return a list, a bar to each entry; the text says the same as the bar."""
        return f"<ul class=bars>{''.join(_bar(*row) for row in self.rows)}</ul>"


@dataclass(frozen=True)
class Tiles:
    """The few figures that sum everything up.

    Args:
        rows: (what it is, the figure, what it was before) each.
    """

    rows: Sequence[tuple[str, str, str]]

    def html(self) -> str:
        """Return a list of figures."""
        tiles = "".join(
            f"<li><span class=what>{escaped(what)}</span><strong>{escaped(figure)}</strong>"
            f"<span class=was>{escaped(before)}</span></li>"
            for what, figure, before in self.rows
        )
        return f"<ul class=tiles>{tiles}</ul>"


@dataclass(frozen=True)
class Note:
    """A paragraph, or a list of sentences.

    Args:
        lines: one for a paragraph, more for a list.
        kind: "" for plain text, "warning", or "code" for text whose lines stand as they are.
    """

    lines: Sequence[str]
    kind: str = ""

    def html(self) -> str:
        """Return the paragraph or list."""
        if self.kind == "code":
            return f"<pre tabindex=0>{'&#10;'.join(map(escaped, self.lines))}</pre>"
        if len(self.lines) == 1 and not self.kind:
            return f"<p>{escaped(self.lines[0])}</p>"
        items = "".join(f"<li>{escaped(line)}</li>" for line in self.lines)
        return f'<ul class="notes {escaped(self.kind)}">{items}</ul>'


@dataclass(frozen=True)
class Folded:
    """Blocks that the reader opens.

    Args:
        summary: the text to click on.
        blocks: what is in it.
    """

    summary: str
    blocks: Sequence[Any]

    def html(self) -> str:
        """Return an element that is closed at first."""
        return folded(self.summary, "".join(block.html() for block in self.blocks))


def folded(summary: str, inside: str) -> str:
    """Return HTML that is closed at first, under a text to click on."""
    return f"<details><summary>{escaped(summary)}</summary>{inside}</details>"


def _cell(value: Any) -> str:
    return f"<td{_kind(value)}>{escaped(readable(value))}</td>"


def _kind(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return " class=number" if number else ""


def _bar(label: str, share: float, text: str) -> str:
    width = f"{100 * min(max(share, 0.0), 1.0):.2f}"
    return (
        f"<li><span class=label>{escaped(label)}</span>"
        '<svg viewBox="0 0 100 10" preserveAspectRatio=none aria-hidden=true>'
        f"<rect class=rest width=100 height=10 /><rect class=kept width={width} height=10 /></svg>"
        f"<span class=text>{escaped(text)}</span></li>"
    )
