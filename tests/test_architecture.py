"""What holds for the whole library: who imports whom, what it may not do, and its examples."""

import ast
import doctest
import importlib
import pkgutil
import re
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import keras
import pytest

import models
import tfprune
from tfprune import criteria, plugins

ROOT = Path(tfprune.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MODULES = sorted(
    module.name
    for package in (tfprune, models)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


def dotted(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Names of modules a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (parts & NAMES) or {node.module}
    return found


NAMES = {dotted(path) for path in FILES}


def with_packages(names, importer):
    """Names of modules and of the packages around them, which Python runs before them."""
    around = {name[:i] for name in names for i, sign in enumerate(name) if sign == "."}
    return names | {x for x in around - {"tfprune"} if not f"{importer}.".startswith(f"{x}.")}


def test_no_import_cycles():
    """So that any name may be the first one that is used."""
    found = {dotted(path): (imports(path) & NAMES) - {dotted(path)} for path in FILES}
    graph = {name: with_packages(others, name) for name, others in found.items()}
    assert "tfprune.graph.rules" in with_packages({"tfprune.graph.rules.dense"}, "tfprune.costs")
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the cycle
    assert set(order) == NAMES
    assert "tfprune.graph.call" in graph["tfprune.graph.analysis"]


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_the_library_stands_alone(path):
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & {"models", "flags", "absl", "tests", "benchmarks", "jax", "torch"}
    calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}


KINDS = {name for name, kind in vars(keras.layers).items() if isinstance(kind, type)}
KINDS -= {"Layer", "InputLayer"}  # no kinds: what every layer is, and how a model begins
# Each of these knows what one kind computes, or how another library lays out its weights.
KNOWS_A_KIND = {
    "tfprune.graph.whole_layers",
    "tfprune.graph.opening.steps",
    "tfprune.graph.opening.stock",
    "tfprune.passes.fused_norms",
    "tfprune.reconstruction.forms.einsum",
    "tfprune.reconstruction.forms.gain",
    "tfprune.reconstruction.forms.windows",
    "tfprune.weights._conversion",
    "tfprune.weights._matching",
}


def named_kinds(path):
    """Layer kinds that a file names: as attributes, or as words in a string that is no prose."""
    tree = ast.parse(path.read_text())
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & KINDS
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    lists = [text.split() for text in texts if isinstance(text, str)]
    words = {w for words in lists if all(w[0].isupper() for w in words) for w in words}
    parts = {w for w in words - {"Layer"} if len(w) > 4 and any(w in kind for kind in KINDS)}
    return attributes | parts


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_only_rules_name_layer_kinds(path):
    if path.parent.name == "rules":
        return
    assert bool(named_kinds(path)) == (dotted(path) in KNOWS_A_KIND), named_kinds(path)


def test_the_search_for_layer_kinds_finds_them():
    assert {"Conv2D", "Dense"} <= named_kinds(ROOT / "weights" / "_conversion.py")
    assert "GlobalAveragePooling" in named_kinds(ROOT / "graph" / "rules" / "spatial.py")


PRIVATE_OF_KERAS = {
    name
    for path in Path(keras.__file__).parent.rglob("*.py")
    for name in re.findall(r"\.(_[a-z]\w*)", path.read_text(encoding="utf-8"))
} - {"_replace"}  # of Python's named tuples
KNOWS_KERAS = "tfprune.graph.keras_private"


def private_uses(path):
    """What a file knows of Keras beyond its public names, in code and in strings."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    own = {x.attr for x in attributes if isinstance(x.value, ast.Name) and x.value.id == "self"}
    texts = [x.value for x in nodes if isinstance(x, ast.Constant) and isinstance(x.value, str)]
    names = {x.attr for x in attributes} - own | {word for text in texts for word in text.split()}
    return names & PRIVATE_OF_KERAS | {x for x in imports(path) if x.startswith("keras.src")}


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_one_file_alone_knows_what_is_private_in_keras(path):
    assert bool(private_uses(path)) == (dotted(path) == KNOWS_KERAS), private_uses(path)


def test_the_search_for_private_names_finds_attributes_strings_and_modules():
    found = private_uses(ROOT / "graph" / "keras_private.py")
    assert {"_keras_history", "_functional", "_tracker", "keras.src.ops"} <= found


ROOMS = {"data", "reporting", "schedules", "tasks", "timing", "training", "weights"}
NAMED = sorted(set(tfprune.__all__) - ROOMS - {"__version__"})


@pytest.mark.parametrize("name", NAMED)
def test_public_names_are_documented_and_no_module_hides_one(name):
    thing = getattr(tfprune, name)
    assert callable(thing)
    assert len(thing.__doc__) > 40
    assert not (ROOT / f"{name}.py").exists()
    assert not (ROOT / name).exists()


def test_tab_shows_the_public_names_and_nothing_else():
    assert dir(tfprune) == sorted(tfprune.__all__)
    assert set(tfprune.__all__) >= ROOMS
    for room in ROOMS:
        names = getattr(tfprune, room).__all__
        assert all(getattr(getattr(tfprune, room), name).__doc__ for name in names)


def test_the_installed_version_is_the_packages_own():
    assert metadata.version("tfprune") == tfprune.__version__


def test_every_method_has_one_line():
    lines = tfprune.methods()
    assert list(lines) == plugins.names(criteria)
    assert all(line.endswith(".") and "\n" not in line for line in lines.values())


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed
