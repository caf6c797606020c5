"""What mkdocs asks while it builds the site; whatever is new comes in without a line of its own."""

import ast
import json
import re
from pathlib import Path
from typing import Any

_PLACE = "<!-- the cells of notebooks/digits.ipynb -->"
_DOCS = Path(__file__).parents[1]
_NOTEBOOK = _DOCS / "notebooks" / "digits.ipynb"
_LIBRARY = _DOCS.parent / "tfprune"


def on_config(config: Any) -> Any:
    """Put the pages that the menu does not name at its end."""
    named = set(re.findall(r"[\w-]+\.md", str(config.nav)))
    rest = sorted(path.name for path in _DOCS.glob("*.md") if path.name not in named)
    if rest:
        config.nav.append({"More": rest})
    return config


def on_page_markdown(markdown: str, *, page: Any, **others: Any) -> str:
    """Put the notebook's cells where a page asks for them, and new names into the reference."""
    if page.file.src_uri == "api.md":
        entries = [f"::: tfprune.{name}" for name in _left_out(markdown)]
        return "\n".join([markdown, *(["## More", ""] if entries else []), *entries])
    if _PLACE not in markdown:
        return markdown
    cells = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return markdown.replace(_PLACE, "\n\n".join(map(_shown, cells)))


def _shown(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    return text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"


def _left_out(markdown: str) -> list[str]:
    """Return the public names that the reference does not list."""
    listed = set(re.findall(r"^::: tfprune\.(\S+)", markdown, re.MULTILINE))
    names = [name for name in _public(_LIBRARY) if not name.startswith("__")]
    rooms = [name for name in names if (_LIBRARY / name / "__init__.py").is_file()]
    inner = [f"{room}.{name}" for room in rooms for name in _public(_LIBRARY / room)]
    of_their_own = [name for name in inner if name.partition(".")[2] not in names]
    return sorted({*names, *of_their_own} - {*rooms, *listed})


def _public(package: Path) -> list[str]:
    """Return a package's `__all__`, which is read and not imported."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return next(ast.literal_eval(x.value) for x in assigned if x.targets[0].id == "__all__")
