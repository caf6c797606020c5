"""Parts of a page that a benchmark writes, between two marks of their own."""

from collections.abc import Sequence
from pathlib import Path


def insert(page: Path, name: str, text: str) -> None:
    """Replace what stands between a part's two marks.

    Args:
        page: a Markdown file with `<!-- NAME begins -->` and `<!-- NAME ends -->`, each on a line
            of its own.
        name: of the part.
        text: what is to stand there.

    Raises:
        ValueError: a page without those marks.
    """
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    content = page.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        raise ValueError(f"{page}: expected one line {begin!r} and one {end!r}. Add them.")
    before, rest = content.split(begin)
    page.write_text(before + "\n\n".join([begin, text, end]) + rest.split(end)[1])


def line(cells: Sequence[str]) -> str:
    """Return a line of a Markdown table.

    Example:
        >>> line(["a", "b"])
        '| a | b |'
    """
    return f"| {' | '.join(cells)} |"
