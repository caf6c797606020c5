"""The last thing a run writes: its report."""

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfprune.files import environment, remove, write_json, write_text
from tfprune.reporting.event_files import write_events
from tfprune.reporting.page import write_page
from tfprune.runs.run_folder import EVENTS, REPORT, TEXT


def finish(
    folder: str | os.PathLike,
    title: str,
    parts: Mapping[str, Any],
    values: Mapping[str, Any],
    details: Mapping[str, Any] | None = None,
) -> str:
    """Write a run's report as text, page and JSON, and drop what was only there to resume.

    TensorBoard gets it too, where the run has curves or a page. The JSON comes last: it is the
    sign that the run is finished.

    Args:
        folder: the run's folder.
        title: first line of the text.
        parts: {heading: anything with a text form}, in the order to read them.
        values: what the JSON holds, plain values; versions and machine are added.
        details: what the page in `report/` tells besides, see `page.document`; None: no page.

    Returns:
        The text.

    Example:
        >>> import tempfile
        >>> print(finish(tempfile.mkdtemp(), "a run", {"result": "good"}, {"accuracy": 1.0}))
        a run
        result
          good
    """
    lines = [title]
    for heading, part in parts.items():
        lines += [heading, textwrap.indent(str(part), "  ")]
    text = "\n".join(lines)
    folder = Path(folder)
    values = {"title": title, **values, "environment": environment()}
    record = {**values, **(details or {})}
    if details is not None:
        write_page(folder / "report", record)
    if details is not None or (folder / EVENTS).is_dir():
        write_events(folder / EVENTS / "report", text, record)
    write_text(folder / TEXT, text + "\n")
    write_json(folder / REPORT, values)
    for name in ("checkpoints", "stages"):
        remove(folder / name)
    return text
