"""evaluate.py and export.py on a model that train.py wrote."""

import json

import keras
import pytest

import evaluate
import export
import tfprune.data
from tests.scripts.conftest import call
from tfprune import runs
from tfprune.errors import PruningError


def test_evaluate_finds_what_training_reported(baseline):
    report = json.loads((baseline / "report.json").read_text())
    found = evaluate.evaluate(
        baseline / "resnet20.keras", tfprune.data.load("digits"), runs.Feeding(batch_size=50)
    )
    assert found.results["accuracy"] == pytest.approx(report["results"]["accuracy"])
    assert (found.parameters, found.macs) == (report["parameters"], report["macs"])


def test_evaluate_logs_its_table(baseline, monkeypatch):
    said = []
    monkeypatch.setattr(evaluate.logging, "info", lambda text, *args: said.append(text % args))
    call(evaluate, "--model", baseline / "resnet20.keras", "--data=digits", "--batch-size=64")
    assert "test split of digits\naccuracy" in said[0]


def test_export_writes_beside_the_model(baseline, tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes((baseline / "resnet20.keras").read_bytes())
    call(export, "--model", path, "--formats=keras")
    assert keras.models.load_model(tmp_path / "export" / "model.keras").count_params() > 0
    with pytest.raises(PruningError, match=r"model\.keras .*exists"):
        call(export, "--model", path, "--formats=keras")
    call(export, "--model", path, "--formats=keras", "--overwrite")
    call(export, "--model", path, "--formats=keras", "--export-dir", tmp_path / "other")
    assert (tmp_path / "other" / "model.keras").is_file()


def test_export_judges_int8_by_the_validation_images(baseline, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(export.logging, "info", lambda text, *args: said.append(text % args))
    given = ("--model", baseline / "resnet20.keras", "--export-dir", tmp_path)
    call(export, *given, "--formats=tflite_int8", "--data=digits", "--min-agreement=0.5",
         "--representative=50")  # fmt: skip
    assert (tmp_path / "model_int8.tflite").is_file()
    (row,) = (line for line in said[-1].splitlines() if line.startswith("tflite_int8"))
    assert row.count("%") == 2  # agreement and accuracy
    with pytest.raises(PruningError, match=r"made with \{'normalisation': 'channel'\}"):
        call(export, *given, "--formats=tflite_int8", "--data=digits", "--normalisation=scale")


def test_export_refuses_flags_without_effect(baseline, tmp_path):
    given = ("--model", baseline / "resnet20.keras", "--export-dir", tmp_path)
    with pytest.raises(PruningError, match=r"--min_agreement: only --formats=tflite_int8"):
        call(export, *given, "--formats=keras", "--min_agreement=0.5")
    with pytest.raises(PruningError, match=r"--data: no format of --formats is judged by images"):
        call(export, *given, "--formats=keras", "--data=digits")
    with pytest.raises(PruningError, match=r"Unknown export format 'tflit'"):
        call(export, *given, "--formats=tflit")


@pytest.mark.parametrize("script", [evaluate, export])
def test_a_missing_or_damaged_model_is_named(script, tmp_path):
    with pytest.raises(PruningError, match=r"--model is missing: expected a \.keras or \.h5"):
        call(script)
    data = ["--data=digits"] if script is evaluate else []
    with pytest.raises(PruningError, match=r"no model file .*m\.keras"):
        call(script, "--model", tmp_path / "m.keras", *data)
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(PruningError, match=r"m\.keras \(\d+ bytes\) cannot be loaded"):
        call(script, "--model", tmp_path / "m.keras", *data)
