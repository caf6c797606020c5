"""prepare_weights.py: from a checkpoint to a baseline, and what it refuses."""

import json

import keras
import numpy as np
import pytest

import evaluate
import models
import prepare_weights
import tfprune.data
from tests.scripts.conftest import call
from tfprune import plugins, runs
from tfprune.errors import PruningError
from tfprune.weights import layouts
from tfprune.weights._matching import match

DIGITS = ("--num-classes=10", "--input-shape=8,8,1")


def as_pytorch(model, layout):
    """Return a model's convolutions, vectors and dense layer under PyTorch's names and axes."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    report, _ = match(model, {}, plugins.find(layouts, layout, "layout"), ())
    tensors = {}
    for path, what in report.missing.items():
        layer, _, variable = path.partition("/")
        weights = {weight.name: weight.numpy() for weight in model.get_layer(layer).weights}
        value = weights[variable]
        tensors[what.split("'")[1]] = value.transpose(axes[value.ndim])
    return tensors


def write_safetensors(path, tensors):
    header, place = {}, 0
    for name, tensor in tensors.items():
        offsets = [place, place + tensor.nbytes]
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": offsets}
        place = offsets[1]
    text = json.dumps(header).encode()
    numbers = b"".join(tensor.tobytes() for tensor in tensors.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)


@pytest.fixture(scope="module")
def trained():
    """A network for digits with weights of its own; its outputs depend on the images."""
    keras.utils.set_random_seed(5)
    return models.build("resnet20_a", num_classes=10, input_shape=(8, 8, 1))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, trained):
    path = tmp_path_factory.mktemp("checkpoint") / "digits.safetensors"
    write_safetensors(path, as_pytorch(trained, "hrank_resnet"))
    return path


def arguments(checkpoint, *more):
    return ("--arch=resnet20_a", "--checkpoint", checkpoint, "--layout=hrank_resnet", *more)


def test_the_model_the_report_and_its_accuracy_are_written(
    tmp_path, trained, checkpoint, monkeypatch
):
    said = []
    monkeypatch.setattr(prepare_weights.logging, "info", lambda text, *a: said.append(text % a))
    folder = tmp_path / "run"
    more = ("--evaluate", "--data=digits", "--batch-size=60", "--save-dir", folder)
    call(prepare_weights, *arguments(checkpoint, *DIGITS, *more))
    assert {path.name for path in folder.iterdir()} == {
        "flags.cfg", "preprocessing.json", "report.json", "report.txt", "resnet20_a.keras",
    }  # fmt: skip
    loaded = keras.models.load_model(folder / "resnet20_a.keras")
    images = tfprune.data.load("digits").test.images[:20].astype("float32")
    assert np.ptp(np.asarray(trained(images)), axis=0).max() > 0.01
    np.testing.assert_allclose(loaded(images), trained(images), atol=1e-6)
    report = json.loads((folder / "report.json").read_text())
    assert report["weights"]["complete"]
    assert report["weights"]["loaded"]["fc.weight"] == "classifier/kernel"
    assert report["checkpoint"] == str(checkpoint)
    again = evaluate.evaluate(
        folder / "resnet20_a.keras", tfprune.data.load("digits"), runs.Feeding(60)
    )
    assert report["results"] == pytest.approx(again.results)
    assert "fc.weight " in (folder / "report.txt").read_text()
    assert "97 loaded, 0 ignored, 0 missing" in said[-1]
    assert len(said[-1].splitlines()) < 12
    call(prepare_weights, *arguments(checkpoint, *DIGITS, *more))
    assert "Reused, finished before" in said[-1]


def test_without_a_data_set_nothing_is_measured_on_one(tmp_path, checkpoint):
    call(prepare_weights, *arguments(checkpoint, *DIGITS, "--save-dir", tmp_path / "run"))
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["results"] == {}
    assert "normalisation" not in report
    assert report["parameters"] > 0


def test_patterns_to_ignore_reach_the_loading(checkpoint):
    with pytest.raises(
        PruningError, match=r"missing \(2\):\n  classifier/kernel: no tensor 'fc\.we"
    ):
        call(prepare_weights, *arguments(checkpoint, *DIGITS, "--ignore=fc.*"))
    with pytest.raises(PruningError, match=r"received 'aux_\*', which matches none of its 97"):
        call(prepare_weights, *arguments(checkpoint, *DIGITS, "--ignore=fc.*", "--ignore=aux_*"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((), r"--checkpoint is missing: expected a \.pth"),
        (("--checkpoint=a.pth",), r"--layout is missing: expected one of hrank_densenet, .*torchv"),
        (("--checkpoint=a.pth", "--layout=x", *DIGITS), r"There is no checkpoint a\.pth|Unknown l"),
        (("--checkpoint=a.pth", "--layout=x", "--input-shape=8,b"), r"such as 224,224,3, .*8,b"),
        (("--checkpoint=a.pth", "--layout=x", "--input-shape=8,8"), r"resnet20_a cannot be built"),
        (("--checkpoint=a.pth", "--layout=x", "--aux-head"), r"has no option 'aux_head'"),
        (("--data=digits",), r"--data: nothing is evaluated without --evaluate"),
        (("--batch-size=3",), r"--batch_size: nothing is evaluated without --evaluate"),
        (
            ("--checkpoint=a.pth", "--layout=x", "--evaluate", "--data=digits"),
            r"does not fit the data set 'digits': .*\(8, 8, 1\).*received .*\(32, 32, 3\)",
        ),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(tmp_path, given, text):
    folder = tmp_path / "run"
    with pytest.raises(PruningError, match=text):
        call(prepare_weights, "--arch=resnet20_a", *given, "--save-dir", folder)
    assert not folder.exists()


def test_a_checkpoint_that_does_not_match_leaves_no_folder(tmp_path, checkpoint):
    folder = tmp_path / "run"
    given = ("--num-classes=7", "--input-shape=8,8,1", "--save-dir", folder)
    with pytest.raises(PruningError, match=r"fc\.weight: expected \(7, 64\) for classifier/kernel"):
        call(prepare_weights, *arguments(checkpoint, *given))
    assert not folder.exists()


def test_a_loose_match_keeps_the_fresh_classifier_of_the_seed(tmp_path, trained, checkpoint):
    given = ("--num-classes=7", "--input-shape=8,8,1", "--nostrict", "--seed=3")
    call(prepare_weights, *arguments(checkpoint, *given, "--save-dir", tmp_path / "run"))
    loaded = keras.models.load_model(tmp_path / "run" / "resnet20_a.keras")
    fresh = prepare_weights.build("resnet20_a", 3, {"num_classes": 7, "input_shape": (8, 8, 1)})
    ours, theirs = (m.get_layer("classifier").get_weights()[0] for m in (loaded, fresh))
    np.testing.assert_array_equal(ours, theirs)
    ours, theirs = (m.get_layer("stem_conv").get_weights()[0] for m in (loaded, trained))
    np.testing.assert_array_equal(ours, theirs)
