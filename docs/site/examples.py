"""Docstrings as the site wants them: a section of examples is called `Examples`, not `Example`."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Let the examples of docstrings be shown as code."""

    def on_instance(self, *, obj: griffe.Object, **others: Any) -> None:
        """Change the heading in one object's docstring."""
        if obj.docstring:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = text
