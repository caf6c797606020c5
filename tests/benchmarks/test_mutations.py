"""Changes of code: all are made, none of them stays, and a test that sees nothing is told."""

import doctest

import pytest

from benchmarks import mutations

SOURCE = """
def part(x, limit=3):
    # a comment
    if x > limit and x is not None:
        return x + 1
    while not x:
        x -= 2
    return True
"""


def test_every_place_is_changed_once_in_each_way():
    found = [(m.line, m.before, m.after) for m in mutations.mutants(SOURCE)]
    assert sorted(found) == sorted([
        (2, "3", "4"),
        (4, "x > limit and x is not None", "not (x > limit and x is not None)"),
        (4, "x > limit and x is not None", "x > limit or x is not None"),
        (4, "x > limit and x is not None", "x > limit"),
        (4, "x > limit and x is not None", "x is not None"),
        (4, "x > limit", "x >= limit"),
        (4, "x is not None", "x is None"),
        (5, "x + 1", "x - 1"),
        (5, "1", "2"),
        (6, "not x", "not not x"),
        (7, "x -= 2", "x += 2"),
        (7, "2", "3"),
        (8, "True", "False"),
    ])  # fmt: skip


def test_the_examples_run():
    assert doctest.testmod(mutations).failed == 0


@pytest.mark.parametrize(("test", "lives"), [("part(9) == 10", False), ("part", True)])
def test_a_change_is_caught_by_a_test_that_looks(tmp_path, test, lives):
    (tmp_path / "own_code.py").write_text(SOURCE)
    (tmp_path / "test_it.py").write_text(
        f"from own_code import part\ndef test_part():\n    assert {test}\n"
    )
    (mutant,) = [m for m in mutations.mutants(SOURCE) if m.after == "x - 1"]
    found = mutations.survived(tmp_path, "own_code.py", mutant, ["test_it.py"])
    assert found is lives
    assert (tmp_path / "own_code.py").read_text() == SOURCE
