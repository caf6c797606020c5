"""What is installed: the wheel's files, the console command, and both in an empty environment."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import keras
import pytest

import tfprune
import tfprune_commands

ROOT = Path(__file__).parents[1]
INSIDE = "tfprune_commands/scripts"
FOLDERS = ("tfprune", "tfprune_commands", "flags", "models")


def called(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)  # noqa: S603
    assert not done.returncode, done.stderr
    return done.stdout


def command(*words, **options):
    return called(sys.executable, "-m", "tfprune_commands", *words, cwd=ROOT, **options)


def scripts():
    return {path.name for path in ROOT.glob("*.py")} - {"setup.py"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy in which an earlier build has left a module that is gone since."""
    copy = tmp_path_factory.mktemp("copy")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "setup.py", *scripts()):
        shutil.copy(ROOT / name, copy)
    (copy / "build/lib/tfprune").mkdir(parents=True)
    (copy / "build/lib/tfprune/gone.py").touch()
    options = ("--no-deps", "--no-build-isolation", "--no-index")
    called(sys.executable, "-m", "pip", "wheel", *options, "-w", copy / "out", copy)
    (built,) = (copy / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def files(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_wheel_holds_every_file_of_the_product_and_no_other(files):
    def found(folder, pattern="*.py"):
        return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)}

    inside = scripts() | found("flags") | found("models")
    inside |= found("flags", "*.cfg") | found("flags/pages", "*.txt")
    expected = found("tfprune") | found("tfprune_commands") | {"tfprune/py.typed"}
    expected |= {f"{INSIDE}/{name}" for name in inside}
    product = {name for name in files if ".dist-info/" not in name}
    assert product == expected
    assert f"{INSIDE}/flags/presets/fgp_vgg16_prune.cfg" in product


def test_the_wheel_says_what_it_is(files):
    about = {Path(name).name: text for name, text in files.items() if ".dist-info/" in name}
    assert f"Version: {tfprune.__version__}\n" in about["METADATA"]
    assert "License-Expression: Apache-2.0\n" in about["METADATA"]
    assert about["LICENSE"] == (ROOT / "LICENSE").read_text()
    assert about["entry_points.txt"].split() == [
        "[console_scripts]", "tfprune", "=", "tfprune_commands:main",
    ]  # fmt: skip
    assert about["top_level.txt"].split() == ["tfprune", "tfprune_commands"]


def test_the_command_names_each_script_and_what_it_does():
    text = command()
    assert command("--help") == text
    lines = dict(re.findall(r"^  (\w+) +(\w.*\.)$", text, re.MULTILINE))
    assert {f"{name}.py" for name in lines} == scripts()
    assert lines["prune"].startswith("Prune a baseline")
    assert command("--version") == f"tfprune {tfprune.__version__}\n"


def test_an_unknown_command_is_refused_with_the_valid_ones():
    done = subprocess.run(
        [sys.executable, "-m", "tfprune_commands", "purne"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "unknown command 'purne'" in done.stderr
    assert ", ".join(tfprune_commands.names()) in done.stderr


def test_a_command_runs_its_script_with_the_flags_that_follow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tfprune_commands", "evaluate", "--data=digits"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "tfprune evaluate: --model is missing" in done.stderr
    assert str(ROOT) not in done.stderr  # where the script lies is of no interest
    assert "I0000" not in done.stderr  # TensorFlow's notes on the machine


@pytest.mark.slow  # it installs two gigabytes, unless pip has them in its cache
def test_it_works_in_an_empty_environment(wheel, tmp_path):
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    outside = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
    here = {"cwd": tmp_path, "env": outside}
    called(python, "-m", "pip", "install", "--quiet", wheel, **here)
    found = called(python, "-c", "import tfprune; print(tfprune.__file__)", **here)
    assert Path(found.strip()).is_relative_to(home)
    for name in ("models", "flags"):  # no names for everybody
        program = f"import importlib.util; print(importlib.util.find_spec({name!r}))"
        assert called(python, "-c", program, **here) == "None\n"

    (example, _) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    assert "rebuilt and masked model are equal" in called(python, "example.py", **here)
    assert (tmp_path / "served" / "1" / "saved_model.pb").is_file()

    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(16, 3, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax", name="head")(x))
    model.save(tmp_path / "mine.keras")
    called(
        home / "bin" / "tfprune", "prune", "--model=mine.keras", "--data=digits", "--method=l1",
        "--ratio=0.5", "--epochs=1", "--formats=tflite", "--save_dir=out", **here,
    )  # fmt: skip
    small = keras.models.load_model(tmp_path / "out" / "mine.keras")
    assert small.get_layer("conv").filters == 8
    assert (tmp_path / "out" / "report" / "report.html").is_file()
    assert (tmp_path / "out" / "export" / "model.tflite").is_file()
    called(home / "bin" / "tfprune", "evaluate", "--model=out/mine.keras", "--data=digits", **here)
    shown = called(home / "bin" / "tfprune", "prune", "--help", **here)
    assert shown.startswith("Prune a baseline")
