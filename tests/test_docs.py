"""Python blocks of the docs run, one after the other, as a reader would paste them."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
RUN = ("report.md",)


@pytest.mark.parametrize("name", RUN)
def test_blocks_of_a_page_run(name, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(), re.M | re.S)
    assert blocks
    monkeypatch.chdir(tmp_path)
    space = {}
    for block in blocks:
        exec(compile(block, name, "exec"), space)  # noqa: S102 - the docs are our own
    assert (tmp_path / "kept.svg").stat().st_size > 1000
