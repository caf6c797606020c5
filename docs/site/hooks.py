"""What mkdocs asks while it builds the site: pages beyond the menu, and the notebook as a page."""

import json
import re
from pathlib import Path
from typing import Any

_PLACE = "<!-- the cells of notebooks/digits.ipynb -->"
_DOCS = Path(__file__).parents[1]
_NOTEBOOK = _DOCS / "notebooks" / "digits.ipynb"


def on_config(config: Any) -> Any:
    """Put the pages that the menu does not name at its end: a new page is one new file."""
    named = set(re.findall(r"[\w-]+\.md", str(config.nav)))
    rest = sorted(path.name for path in _DOCS.glob("*.md") if path.name not in named)
    if rest:
        config.nav.append({"More": rest})
    return config


def on_page_markdown(markdown: str, **others: Any) -> str:
    """Put the notebook's cells where a page asks for them, as mkdocs calls for each page."""
    if _PLACE not in markdown:
        return markdown
    cells = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return markdown.replace(_PLACE, "\n\n".join(map(_shown, cells)))


def _shown(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    return text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
