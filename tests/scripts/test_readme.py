"""The README's example runs, and the README stays short."""

import re
import shlex
from pathlib import Path

import pytest
from absl.testing import flagsaver

import evaluate
import export
import prune
import train
from flags import commandline

README = (Path(__file__).parents[2] / "README.md").read_text()
SCRIPTS = {"train": train, "prune": prune, "evaluate": evaluate, "export": export}
LINES = re.findall(r"^python (\w+)\.py (.*?)(?:\s+#.*)?$", README, re.MULTILINE)


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(block.splitlines()) <= 14
    monkeypatch.chdir(tmp_path)
    exec(block, {})  # noqa: S102 - our own text
    assert "rebuilt and masked model are equal" in capsys.readouterr().out
    assert (tmp_path / "served" / "1" / "saved_model.pb").is_file()
    assert (tmp_path / "served" / "model.tflite").is_file()


@pytest.mark.parametrize(("script", "arguments"), LINES)
def test_its_command_lines_are_taken(script, arguments):
    with flagsaver.flagsaver():
        SCRIPTS[script].define_flags()
        assert commandline.parse([script, *shlex.split(arguments)]) == [script]


def test_it_names_every_script_and_stays_short():
    assert {script for script, _ in LINES} == SCRIPTS.keys()
    assert len(README.splitlines()) <= 150
