"""The README's example runs, and the README stays short."""

import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
from absl.testing import flagsaver

import evaluate
import export
import predict
import prepare_weights
import prune
import sweep
import tfprune
import train
from flags import commandline

README = (Path(__file__).parents[2] / "README.md").read_text()
SCRIPTS = {
    "train": train, "prune": prune, "evaluate": evaluate, "export": export, "predict": predict,
    "prepare_weights": prepare_weights, "sweep": sweep,
}  # fmt: skip
EXAMPLE, RULE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINES = re.findall(r"^python (\w+)\.py (.*?)(?:\s+#.*)?$", README, re.MULTILINE)


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    assert len(EXAMPLE.splitlines()) <= 17
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLE, {})  # noqa: S102 - our own text
    assert "rebuilt and masked model are equal" in capsys.readouterr().out
    assert (tmp_path / "served" / "1" / "saved_model.pb").is_file()
    assert (tmp_path / "served" / "model.tflite").is_file()


def test_the_rule_teaches_the_layer():
    names = {}
    exec(RULE, names)  # noqa: S102 - our own text
    image = keras.Input((6, 6, 3))
    x = names["Gain"](name="gain")(keras.layers.Conv2D(4, 3, name="conv")(image))
    graph = tfprune.analyse(keras.Model(image, keras.layers.Conv2D(2, 3)(x)))
    keep = {"conv": np.array([True, False, False, True])}
    small = tfprune.rebuild(graph, keep)
    assert small.get_layer("gain").gain.shape == (2,)
    assert tfprune.verify(graph, keep, small).exact


@pytest.mark.parametrize(("script", "arguments"), LINES)
def test_its_command_lines_are_taken(script, arguments):
    with flagsaver.flagsaver():
        SCRIPTS[script].define_flags()
        assert commandline.parse([script, *shlex.split(arguments)]) == [script]


def test_it_names_every_script_and_stays_short():
    assert {script for script, _ in LINES} == SCRIPTS.keys()
    assert len(README.splitlines()) <= 165
