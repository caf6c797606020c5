"""`import tfprune` costs nothing: what a name needs is imported when it is first used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tfprune

PROGRAM = """
import sys, tfprune
assert not {"tensorflow", "keras", "numpy"} & set(sys.modules), "imported beforehand"
assert "prune" in dir(tfprune) and "prune" not in vars(tfprune)
assert issubclass(tfprune.PruningError, Exception) and "tensorflow" not in sys.modules
from tfprune import analyse
assert tfprune.analyse is analyse is vars(tfprune)["analyse"]
assert tfprune.data.load.__module__ == "tfprune.data"
print("all late")
"""


def test_nothing_is_imported_before_it_is_used():
    root = Path(tfprune.__file__).parents[1]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout == "all late\n", done.stderr


def test_editors_are_told_the_same_names():
    source = Path(tfprune.__file__).read_text()
    lines = [x for x in ast.walk(ast.parse(source)) if isinstance(x, ast.ImportFrom)]
    told = {
        name.name: line.module.removeprefix("tfprune").removeprefix(".")
        for line in lines if line.module.startswith("tfprune")
        for name in line.names
    }  # fmt: skip
    rooms = {name for name, home in told.items() if not home}
    homes = {name: path.rpartition(".")[0] for name, path in tfprune._ROOMS.items()}
    assert {name: home for name, home in told.items() if home} == tfprune._HOMES | homes
    assert {*told, "__version__"} == set(tfprune.__all__)
    assert rooms.isdisjoint(tfprune._HOMES)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tfprune' has no attribute 'prun'"):
        tfprune.prun  # noqa: B018
    assert not hasattr(tfprune, "__wrapped__")
