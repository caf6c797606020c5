"""--help: in groups, with valid names, and without importing TensorFlow."""

import importlib
import os
import subprocess
import sys

import pytest
from absl.testing import flagsaver

from flags import commandline, help_pages
from tfprune import criteria, plugins

OWN = ("launch", "setup")  # scripts without a page: argparse's, and the wheel's
SCRIPTS = sorted(path.stem for path in help_pages.ROOT.glob("*.py") if path.stem not in OWN)
# What a script does, and then the modules of TensorFlow that it has imported.
WATCHED = """
import runpy, sys
sys.argv = [{script!r}, "--help"]
try:
    runpy.run_path({script!r}, run_name="__main__")
finally:
    sys.stderr.write(" ".join(sorted(sys.modules.keys() & {{"keras", "tensorflow", "scipy"}})))
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_page_that_lies_ready_is_the_one_of_the_flags(name):
    script = importlib.import_module(name)
    with flagsaver.flagsaver():
        commandline.FLAGS.flags_by_module_dict().clear()  # it keeps the order of other scripts
        script.define_flags()
        expected = help_pages.page(f"{name}.py", script.__doc__, commandline._groups())
    # If this fails, delete flags/pages/NAME.txt; `python NAME.py --help` writes it anew.
    assert help_pages.kept(f"{name}.py").read_text(encoding="utf-8") == f"{expected}\n"


@pytest.mark.parametrize("name", [*SCRIPTS, "launch"])
def test_help_imports_nothing_that_takes_long(name, tmp_path):
    for page in help_pages.PAGES.iterdir():
        page.touch()  # as a checkout leaves it: here a module may have been edited since
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", WATCHED.format(script=str(help_pages.ROOT / f"{name}.py"))],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(help_pages.ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    assert "usage: " in done.stdout


def test_the_page_of_prune_is_in_groups_with_names():
    text = " ".join(help_pages.kept("prune.py").read_text(encoding="utf-8").split())
    assert text.startswith("Prune a baseline")
    assert f"Pruning method: {', '.join(plugins.names(criteria))}." in text
    assert "Data set: cifar10, cifar100, digits, folder, imagenet, npz, voc." in text
    assert "resnet20" in text
    assert "How much is told. --verbosity=" in text
    assert text.index("Which network.") < text.index("How much is pruned.")


@pytest.fixture
def product(tmp_path, monkeypatch):
    """A folder with one script, its page and a module of the library."""
    for name in ("prune.py", "tfprune/errors.py", "pages/prune.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("The page.")
    monkeypatch.setattr(help_pages, "ROOT", tmp_path)
    monkeypatch.setattr(help_pages, "PAGES", tmp_path / "pages")
    return tmp_path


def test_a_page_is_shown_until_a_file_of_the_program_is_newer(product, capsys):
    with pytest.raises(SystemExit):
        help_pages.answer(["elsewhere/prune.py", "--help"])
    assert capsys.readouterr().out == "The page.\n"
    written = (product / "pages/prune.txt").stat().st_mtime
    os.utime(product / "tfprune/errors.py", (written + 3600, written + 3600))
    help_pages.answer(["prune.py", "--help"])  # goes on, and makes it anew
    with pytest.raises(SystemExit):
        help_pages.show("prune.py", "About it.", {})
    assert (product / "pages/prune.txt").read_text().startswith("About it.\n\nusage: python prune")


def test_a_page_that_may_not_be_written_is_shown_all_the_same(product, capsys):
    (product / "pages/prune.txt").unlink()
    (product / "pages").rmdir()
    with pytest.raises(SystemExit):
        help_pages.show("prune.py", "About it.", {})
    assert capsys.readouterr().out.startswith("About it.")


def test_who_stops_reading_is_not_shown_a_traceback():
    words = "import runpy; runpy.run_path('flags/help_pages.py')['_end_with']('x' * 10**6)"
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", words], cwd=help_pages.ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout.read(3) == "xxx"
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode == 0


def test_a_question_of_another_program_is_left_alone():
    help_pages.answer(["pytest", "--help"])
    help_pages.answer(["prune.py", "--data=digits"])
