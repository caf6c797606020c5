"""The docs: every block runs as a reader would paste it, the site builds, figures are right."""

import csv
import importlib
import importlib.util
import json
import os
import re
import shlex
import string
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from absl.testing import flagsaver

import tfprune
import tfprune_commands
from flags import commandline
from tests import browser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text() for path in sorted(DOCS.glob("*.md"))}
FENCED = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TESTED_ELSEWHERE = {"serving.md": "tests/scripts/test_serving_page.py"}
RUN_ELSEWHERE = ("docker", "curl", "echo", "sbatch", "srun", "kubectl")  # no such servers here

# What a page takes for granted, since its reader has it.
MODEL = """
import keras, numpy as np, tfprune
keras.utils.set_random_seed(0)
image = keras.Input((12, 12, 3))
x = keras.layers.Conv2D(8, 3, activation="relu", name="first")(image)
x = keras.layers.Conv2D(8, 3, activation="relu", name="second")(x)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(image, keras.layers.Dense(3, name="head")(x))
images = np.random.default_rng(0).normal(size=(64, 12, 12, 3)).astype("float32")
"""
GRANTED = {
    "without_training.md": MODEL,
    "methods.md": MODEL + "graph, data = tfprune.analyse(model), (images, np.arange(64) % 3)",
    "hub.md": MODEL
    + """
class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.head = keras.layers.Dense(8), keras.layers.Dense(3)
    def call(self, x):
        return self.head(self.inner(x))
images = images[:, 0, 0]
my_subclassed_model = Subclassed()
my_subclassed_model(images)
""",
}


def blocks(page, *languages):
    """The fenced blocks of a page in a language, but those that say `notest`."""
    found = FENCED.findall(PAGES[page])
    return [body for language, mark, body in found if language in languages and not mark.strip()]


def with_blocks(*languages):
    tried = (name for name in PAGES if name not in TESTED_ELSEWHERE)
    return [name for name in tried if blocks(name, *languages)]


@pytest.mark.parametrize("name", with_blocks("python"))
def test_python_blocks_of_a_page_run_one_after_the_other(name, tmp_path, monkeypatch):
    if name == "report.md":
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(GRANTED.get(name, ""), space)  # noqa: S102 - our own text
    for number, block in enumerate(blocks(name, "python"), start=1):
        exec(compile(block, f"{name}, block {number}", "exec"), space)  # noqa: S102 - our own text
    if name == "report.md":
        assert (tmp_path / "kept.svg").stat().st_size > 1000


def notebook():
    return json.loads((DOCS / "notebooks" / "digits.ipynb").read_text())


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    for cell in notebook()["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)  # noqa: S102 - our own text
    accuracy = {
        name: space[name]["accuracy"] for name in ("before", "cut", "reconstructed", "after")
    }
    assert accuracy["before"] > 0.9
    assert accuracy["cut"] < accuracy["reconstructed"]
    assert accuracy["after"] > accuracy["before"] - 0.05
    assert (tmp_path / "digits_small.keras").is_file()


def test_the_notebook_holds_no_outputs_and_takes_public_names_only():
    cells = notebook()["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    text = "\n".join("".join(cell["source"]) for cell in cells)
    for name in re.findall(r"tfprune\.(\w+)", text):
        assert name in tfprune.__all__


def lines_of(page):
    """Command lines of a page, whole and with their variables filled in."""
    text = "\n".join(blocks(page, "bash", "sh")).replace("\\\n", " ")
    indented = re.findall(r"^    ((?:python|pytest|pip|tfprune) .*)", PAGES[page], re.MULTILINE)
    known = {}
    for line in [*text.splitlines(), *indented]:
        assigned = re.fullmatch(r'(\w+)="(.*)"', line)
        if assigned:
            known[assigned[1]] = string.Template(assigned[2]).safe_substitute(known)
        elif line.strip() and not line.startswith("#"):
            yield string.Template(line).safe_substitute(known)


COMMANDS = [
    (page, line) for page in PAGES if page not in TESTED_ELSEWHERE for line in lines_of(page)
]


@pytest.mark.parametrize(("page", "test"), TESTED_ELSEWHERE.items())
def test_a_page_that_is_left_out_has_a_test_of_its_own(page, test):
    assert page in (ROOT / test).read_text()


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_command_lines_are_taken(page, line):
    words = shlex.split(line, comments=True)
    words = [word for word in words if word != "..." and not re.match(r"[A-Z_]+=", word)]
    if words[:2] == ["python", "launch.py"]:  # which starts what follows
        words = words[words.index("--") + 1 :]
    program, *rest = words
    if program in RUN_ELSEWHERE:
        return
    if program == "tfprune":
        program, rest = "python", [f"{rest[0]}.py", *rest[1:]]
    if program == "python" and rest[0] == "-m":
        assert importlib.util.find_spec(rest[1])
    elif program == "python":
        script = importlib.import_module(rest[0].removesuffix(".py"))
        assert script.__name__ in tfprune_commands.names()
        with flagsaver.flagsaver():
            script.define_flags()
            assert commandline.parse(rest) == rest[:1]
    elif program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for names in re.findall(r"(?:\.|tfprune)\[([\w,]+)\]", line):
            assert set(names.split(",")) <= extras["optional-dependencies"].keys()
    else:
        assert program == "pytest", f"no test knows how to try {program!r}"
        assert (ROOT / rest[-1]).exists()


@pytest.mark.slow
def test_the_first_steps_work_as_printed(tmp_path):
    (tmp_path / "tfprune").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m tfprune_commands "$@"\n'
    )
    (tmp_path / "tfprune").chmod(0o755)
    script = "set -e\n" + blocks("get_started.md", "bash")[1]
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 - our own text
        ["/bin/bash", "-c", script], cwd=tmp_path, env={**os.environ, **paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert (tmp_path / "runs/digits/pruned/resnet20_l2_macs_0.50/report/report.html").is_file()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="mkdocs is absent: pip install .[docs]")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is absent: pip install .[docs]")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return folder


def test_the_site_has_every_page_and_the_notebooks_cells(site):
    assert all((site / page.removesuffix(".md")).is_dir() for page in PAGES if page != "index.md")
    assert "half of the\nmultiply-accumulates" in (site / "notebook" / "index.html").read_text()


def test_the_reference_has_every_public_name_and_the_examples(site):
    api = (site / "api" / "index.html").read_text()
    rooms = [name for name in tfprune.__all__ if hasattr(getattr(tfprune, name), "__all__")]
    names = {name for name in tfprune.__all__ if name not in (*rooms, "__version__")}
    inner = {f"{room}.{name}" for room in rooms for name in getattr(tfprune, room).__all__}
    names |= {name for name in inner if name.rpartition(".")[2] not in names}  # else it is there
    assert [name for name in sorted(names) if f'id="tfprune.{name}"' not in api] == []
    assert "&gt;&gt;&gt;" in re.sub(r"<[^>]+>", "", api)


def test_the_site_opens_without_a_network(site):
    page = (site / "index.html").read_text()
    assert not re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(https?:[^"]*)"', page)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_every_page_without_scrolling_sideways(site, width, scheme):
    found = {}
    with browser.tab(width, scheme) as tab:
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        for page in site.rglob("index.html"):
            tab.goto(page.as_uri(), wait_until="load")
            found[page.parent.name] = tab.evaluate("document.documentElement.scrollWidth")
            dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") != (
                "rgb(255, 255, 255)"
            )
            assert dark == (scheme == "dark")
            # A word that breaks in its middle is two lines high though the column has one word.
            broken = tab.evaluate(
                "[...document.querySelectorAll('td code')].filter(x => !/[\\s\\-\\/.,=:(\\[<]/"
                ".test(x.textContent) && x.getClientRects().length > 1).map(x => x.textContent)"
            )
            assert broken == [], page
    assert set(found.values()) == {width}, found
    assert [url for url in asked if not url.startswith("file:")] == []


def test_the_figures_of_the_choice_are_those_of_the_tables():
    with (DOCS / "results.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    pattern = r"^\| `([\w, ]+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"
    shown = re.findall(pattern, PAGES["choosing.md"], re.MULTILINE)
    assert len(shown) == 12
    columns = ("after the cut", "after recalibration", "after fine-tuning")
    for method, *figures in shown:
        assert figures == [rows[method][column] for column in columns]
    best = [float(figures[-1]) for _, *figures in shown]
    assert best == sorted(best, reverse=True)
    text = " ".join(PAGES["choosing.md"].split())
    assert f"ends at {rows['gfbs, layer by itself']['after fine-tuning']}" in text
    with (DOCS / "without_training.csv").open() as file:
        rows = list(csv.DictReader(file))
    setting = {
        "network": "resnet20_a",
        "images": "2000",
        "passes": "0",
        "draw": "0",
        "share": "0.5",
    }
    measured = [row for row in rows if setting.items() <= row.items()]
    found = {(row["criterion"], row["amounts"]): row for row in measured}
    l2, obs, random = (found[name, "sensitivity"] for name in ("l2", "obs", "random"))
    assert f"keeps {l2['reconstructed']} % after reconstruction, {l2['cut']} % without" in text
    assert f"`obs` {obs['reconstructed']} %, `random` {random['reconstructed']} %" in text
