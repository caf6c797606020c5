"""From a record of plain values to one HTML file that needs nothing else, and its tables."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfprune.files import make_folder, write_json, write_text
from tfprune.reporting.page.contents import sections
from tfprune.reporting.page.figures import tiles
from tfprune.reporting.page.model_card import model_card
from tfprune.reporting.page.style import SHEET
from tfprune.texts import escaped

PAGE, DATA, CARD = "report.html", "report.json", "model_card.md"
# Nothing is fetched, and nothing runs, whatever a name in the record would like.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(record: Mapping[str, Any]) -> str:
    """Return the page of a run: it opens from disk, without a network and without scripts.

    Args:
        record: plain values, as a run writes them into `report/report.json`; what is missing is
            left out.

    Example:
        >>> page = document({"title": "a <run>", "method": "l1"})
        >>> page.startswith("<!doctype html>"), "a &lt;run&gt;" in page
        (True, True)
    """
    summed_up = tiles(record)
    parts = "".join(
        f"<section><h2>{escaped(section.title)}</h2>"
        f"{''.join(block.html() for block in section.blocks)}</section>\n"
        for section in sections(record)
    )
    title = escaped(record.get("title", "A run of tfprune"))
    version = record.get("environment", {}).get("versions", {}).get("tfprune")
    made = f"Report of tfprune {version}" if version else "Report of tfprune"
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">'
        f"<title>{title}</title><style>{SHEET}</style></head>\n"
        f"<body><main><h1>{title}</h1><p class=sub>{escaped(made)}</p>"
        f"{summed_up.html() if summed_up else ''}\n{parts}</main></body></html>\n"
    )


def write_page(folder: str | os.PathLike, record: Mapping[str, Any]) -> Path:
    """Write a run's page, a model card, the record they are made from and its tables as CSV.

    Args:
        folder: where to; made if it is missing.
        record: as for `document`.

    Returns:
        The page's path.

    Example:
        >>> import tempfile
        >>> page = write_page(tempfile.mkdtemp(), {"title": "a run", "method": "l1"})
        >>> sorted(path.name for path in page.parent.iterdir())
        ['asked.csv', 'model_card.md', 'report.html', 'report.json']
    """
    folder = make_folder(folder)
    for section in sections(record):
        for table in section.tables:
            write_text(folder / f"{table.name}.csv", table.csv())
    write_json(folder / DATA, record)
    write_text(folder / CARD, model_card(record))
    write_text(folder / PAGE, document(record))
    return folder / PAGE
