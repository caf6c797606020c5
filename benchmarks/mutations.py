"""Change the library's meaning in one place, run the tests nearest to it, and see them fail.

    python -m benchmarks.mutations                                    # ten changes in each of FILES
    python -m benchmarks.mutations tfprune/selection/_cuts.py --count 40 --seed 1
    python -m benchmarks.mutations tfprune/graph/coupling.py --tests tests/graph/test_coupling.py

A change that all tests pass is a test that is missing, code that is needless, or one that means the
same. Each is made in a copy of the tracked files, so that the working tree is never touched. The
nearest tests are those of the folder that mirrors the file's. The exit code is 1 if any survived.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

# Small files that decide what is cut.
FILES = (
    "tfprune/selection/_cut_plan.py",
    "tfprune/selection/_cuts.py",
    "tfprune/graph/coupling.py",
    "tfprune/surgery/masked.py",
    "tfprune/surgery/masks.py",
    "tfprune/data/stratified.py",
    "tfprune/data/statistics.py",
)
_OPPOSITE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or,
    ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        line: where.
        before: the expression as it was.
        after: as it is now.
        source: the whole file with the change; its comments are gone.
    """

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Return every change of a file that this script knows.

    Args:
        source: Python.

    Example:
        >>> [m.after for m in mutants("x = a < b and c")]
        ['a < b or c', 'a < b', 'c', 'a <= b']
        >>> [m.after for m in mutants("if x: y = 3")]
        ['not x', '4']
    """
    tree, found = ast.parse(source), []
    for place, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            copy = deepcopy(tree)
            target = list(ast.walk(copy))[place]
            change(target)
            ast.fix_missing_locations(copy)
            shown = [ast.unparse(_shown(n)) for n in (node, target)]
            if shown[0] != shown[1]:
                found.append(Mutant(node.lineno, *shown, ast.unparse(copy)))
    return found


def _shown(node: ast.AST) -> ast.AST:
    return node.test if isinstance(node, (ast.If, ast.While)) else node


def _changes(node: ast.AST) -> Iterator:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OPPOSITE:
        yield lambda n: n.ops.__setitem__(0, _OPPOSITE[type(n.ops[0])]())
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _OPPOSITE:
        yield lambda n: setattr(n, "op", _OPPOSITE[type(n.op)]())
    elif isinstance(node, ast.BoolOp):
        yield lambda n: setattr(n, "op", _OPPOSITE[type(n.op)]())
        for place in range(len(node.values)):
            yield lambda n, place=place: setattr(n, "values", [n.values[place]])
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield lambda n: setattr(n, "value", n.value + 1)


def survived(tree: Path, file: str, mutant: Mutant, tests: Sequence[str]) -> bool:
    """Return whether all tests pass with a change.

    Args:
        tree: a copy of the repository, which is left as it was.
        file: the file to change.
        mutant: the change.
        tests: as for pytest.
    """
    path = tree / file
    original = path.read_text()
    path.write_text(mutant.source)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, timeout=1200,
            capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:  # a loop without an end is noticed too
        return False
    finally:
        path.write_text(original)
    if done.returncode not in (0, 1, 2):  # 2: the file cannot even be imported
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.returncode == 0


def nearest(file: str) -> list[str]:
    """Return the tests that mirror a file's folder.

    Example:
        >>> nearest("tfprune/selection/_cuts.py")
        ['tests/selection']
    """
    folder = Path("tests", *Path(file).parts[1:-1])
    while not folder.is_dir():
        folder = folder.parent
    return [str(folder)]


def main(arguments: Sequence[str]) -> int:
    """Make changes file by file, and print those that survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", default=list(FILES))
    parser.add_argument("--tests", nargs="+", help="instead of the nearest, as for pytest")
    parser.add_argument("--count", type=int, default=10, help="changes of each file, drawn by seed")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    alive = total = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = _copied(Path(folder))
        for file in given.files:
            every = mutants((tree / file).read_text())
            drawn = random.Random(given.seed).sample(every, min(given.count, len(every)))
            for mutant in sorted(drawn, key=lambda m: m.line):
                lives = survived(tree, file, mutant, given.tests or nearest(file))
                alive, total = alive + lives, total + 1
                if lives:
                    print(f"{file}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    print(f"{total - alive} of {total} changes were caught, {alive} survived")
    return int(alive > 0)


def _copied(folder: Path) -> Path:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout  # noqa: S607
    for name in filter(None, listed.decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, folder / name)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
