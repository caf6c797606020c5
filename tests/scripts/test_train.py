"""train.py: everything it leaves in its folder, and what it refuses."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import models
import tfprune.data
import train
from tests.scripts.conftest import QUICK, call, small_network
from tfprune import training
from tfprune.errors import PruningError


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(models, "build", small_network)


def test_a_run_leaves_everything_in_its_folder(baseline):
    left = {path.name for path in baseline.iterdir()}
    assert left == {
        "flags.cfg", "metrics.csv", "preprocessing.json", "report.json", "report.txt",
        "resnet20.keras", "tensorboard",
    }  # fmt: skip
    events = list((baseline / "tensorboard").rglob("events.out.tfevents.*"))
    assert events
    assert all(file.stat().st_size > 0 for file in events)
    with (baseline / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["epoch"] == "1"
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} <= row.keys()


def test_the_report_holds_the_saved_models_figures_on_the_test_split(baseline):
    report = json.loads((baseline / "report.json").read_text())
    model = keras.models.load_model(baseline / "resnet20.keras")
    test = tfprune.data.load("digits").test
    found = training.evaluate(model, test.epochs(100))
    assert report["results"]["accuracy"] == pytest.approx(found["accuracy"])
    assert report["arch"] == "resnet20"
    assert (report["data"], report["normalisation"]) == ("digits", test.normalisation)
    assert report["environment"]["cores"] >= 1
    text = (baseline / "report.txt").read_text()
    assert f"{100 * found['accuracy']:.2f}%" in text
    assert str(baseline) in text


def test_the_recorded_flags_repeat_the_run_to_the_bit(baseline, tmp_path, quick):
    call(train, f"--flagfile={baseline / 'flags.cfg'}", "--save_dir", tmp_path)
    assert (tmp_path / "flags.cfg").read_text() == (baseline / "flags.cfg").read_text()
    first, second = (keras.models.load_model(d / "resnet20.keras") for d in (baseline, tmp_path))
    for old, new in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-6)


def test_a_finished_run_is_reused_and_another_one_refused(baseline, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr(train, "train", fail)
    call(train, "--arch=resnet20", *QUICK, "--save-dir", baseline)
    with pytest.raises(PruningError, match=r"in --seed: '0' there, '1' now.*--overwrite"):
        call(train, "--arch=resnet20", *QUICK, "--save-dir", baseline, "--seed=1")


def test_an_interrupted_run_goes_on(tmp_path, quick, monkeypatch):
    arguments = ("--arch=resnet20", *QUICK, "--epochs=2", "--save-dir", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(train.files, "save_model", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(train, *arguments)
    assert (tmp_path / "checkpoints").is_dir()
    before = (tmp_path / "metrics.csv").read_text()
    call(train, *arguments)
    assert (tmp_path / "metrics.csv").read_text() == before  # both epochs were finished
    assert (tmp_path / "resnet20.keras").is_file()
    assert not (tmp_path / "checkpoints").exists()


def _interrupt(*args):
    raise KeyboardInterrupt


def test_without_epochs_the_initial_network_is_saved(tmp_path, quick):
    call(train, "--arch=resnet20", "--data=digits", "--epochs=0", "--save-dir", tmp_path)
    keras.utils.set_random_seed(0)
    initial = small_network("resnet20", num_classes=10, input_shape=(8, 8, 1))
    saved = keras.models.load_model(tmp_path / "resnet20.keras")
    np.testing.assert_array_equal(saved.get_weights()[0], initial.get_weights()[0])
    assert not (tmp_path / "metrics.csv").exists()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--momentum=0.5", r"--momentum: it belongs to optimizer='sgd', received 'adam'"),
        ("--data_dir=/x", r"--data_dir: the digits are embedded"),
        ("--gpu=99", r"There is no GPU 99"),
        ("--data=digit", r"Unknown data set 'digit'.*'digits'"),
        ("--arch=resnet21", r"Unknown network 'resnet21'\. Did you mean 'resnet20'\?"),
        ("--arch=vgg16", r"vgg16 cannot be built for digits: .*"),
        ("--warmup=500", r"warmup_epochs must be .* received 500"),
        ("--decay-step=80,x", r"--decay_step: expected whole epochs.*received 80,x"),
    ],
)
def test_bad_flags_are_refused_before_anything_is_written(tmp_path, flag, message):
    with pytest.raises(PruningError, match=message):
        call(train, "--data=digits", "--save-dir", tmp_path / "run", flag)
    assert not (tmp_path / "run").exists()


def test_the_papers_defaults():
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.runs, "claim", lambda folder, *a, **k: seen.update(folder=folder))
        patch.setattr(train, "train", lambda *args, **kwargs: seen.update(kwargs))
        call(train, "--arch", "resnet20", "--batch-size", "32", "--data=digits")
    assert str(seen["folder"]) == "runs/digits/trained/resnet20"
    assert seen["feeding"].batch_size == 32
    assert seen["recipe"].epochs == 200
    assert seen["recipe"].optimizer == "adam"
    assert seen["recipe"].learning_rate == 1e-3
    assert seen["recipe"].decay_steps == (80, 120, 160, 180)


def test_the_papers_command_line_as_a_user_types_it(tmp_path):
    command = "train.py --arch resnet20 --batch-size 32 --data digits --epochs 0 --save-dir"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, *command.split(), tmp_path / "run"],
        cwd=Path(train.__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "resnet20 trained on digits\non the test split\n  accuracy" in done.stderr
    assert "Traceback" not in done.stderr
    model = keras.models.load_model(tmp_path / "run" / "resnet20.keras")
    assert (model.name, model.input_shape) == ("resnet20", (None, 8, 8, 1))
