"""A page in a real browser, for tests that look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_BROWSERS = ("/usr/bin/chromium", "/usr/bin/google-chrome")  # else playwright's own


@contextmanager
def tab(width: int, scheme: str) -> Iterator[Any]:
    """Yield a tab of a width in pixels and a colour scheme; skip the test without playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next((p for p in _BROWSERS if Path(p).exists()), None)
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        browser.close()
