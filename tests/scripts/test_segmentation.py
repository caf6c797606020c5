"""The whole path on a few drawn streets: train, prune by FGP, evaluate, predict."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest
from PIL import Image

import evaluate
import predict
import prune
import tfprune.data
import train
from models import deeplab
from tests.data import streets
from tests.scripts.conftest import call
from tfprune.errors import PruningError


@pytest.fixture(scope="module", autouse=True)
def smaller_network():
    """One block to a stage, one dilation: tracing the layers of the whole one takes longest."""
    whole = deeplab.CONFIGURATIONS["deeplab_tiny"]
    short = dataclasses.replace(whole.backbone, blocks_per_stage=(1, 1, 1, 1))
    small = dataclasses.replace(whole, backbone=short, rates=whole.rates[:1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deeplab, "CONFIGURATIONS", {"deeplab_tiny": small})
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    lists = {"train": 8, "val": 2, "test": 2}
    return streets.write(tmp_path_factory.mktemp("streets") / "voc", lists)


def arguments(root, *more):
    return (
        "--arch=deeplab_tiny", "--data=voc", "--data_dir", root, "--classes", root / "classes.txt",
        "--epochs=1", "--batch_size=4", "--optimizer=sgd", "--schedule=poly", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    weighed = "--class_weight=median_sqrt"
    call(train, *arguments(root, "--learning_rate=0.05", weighed, "--save_dir", folder))
    return folder


@pytest.fixture(scope="module")
def pruned(root, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pruned")
    own = ("--method=fgp", "--macs=0.5", "--formats=", "--figures", "--pretrain_dir", trained)
    call(prune, *arguments(root, *own, "--save_dir", folder))
    return folder


def test_reports_name_the_classes(trained, pruned):
    report = json.loads((trained / "report.json").read_text())
    assert {"miou", "pixel_accuracy", "iou_sky", "iou_road", "iou_car"} <= set(report["results"])
    assert "iou_road" in (pruned / "report.txt").read_text()
    assert "val_miou" in (trained / "metrics.csv").read_text().splitlines()[0]


def test_the_auxiliary_head_is_gone(trained, pruned):
    model = keras.models.load_model(trained / "deeplab_tiny.keras")
    assert [tuple(y.shape) for y in model.outputs] == [(None, 24, 32, 3)]
    assert not [layer.name for layer in model.layers if "aux" in layer.name]
    small = keras.models.load_model(pruned / "deeplab_tiny.keras")
    assert small.output_shape == (None, 24, 32, 3)
    assert small.count_params() < 0.7 * model.count_params()
    assert json.loads((pruned / "report.json").read_text())["options"]["task"] == "segmentation"


def test_figures_lie_beside_the_report(pruned):
    names = ["class_support.png", "heat_maps.png", "predictions.png"]
    assert sorted(path.name for path in (pruned / "figures").iterdir()) == names
    for name in names:
        with Image.open(pruned / "figures" / name) as picture:
            assert np.ptp(np.asarray(picture)) > 200


def test_evaluate_finds_what_training_reported(root, trained, monkeypatch):
    said = []
    monkeypatch.setattr(evaluate.logging, "info", lambda text, *args: said.append(text % args))
    call(
        evaluate, "--model", trained / "deeplab_tiny.keras", "--data=voc", "--data_dir", root,
        "--classes", root / "classes.txt", "--batch_size=1",
    )  # fmt: skip
    report = json.loads((trained / "report.json").read_text())
    assert f"{report['results']['miou']:.2%}" in said[0]


def test_predictions_lie_over_the_photographs(root, pruned, tmp_path):
    folder = tmp_path / "predictions"
    model = ("--model", pruned / "deeplab_tiny.keras")
    photograph = root / "JPEGImages" / "test_0.jpg"
    big = tmp_path / "big.png"
    with Image.open(photograph) as image:
        image.resize((90, 50)).save(big)
    call(predict, *model, "--images", photograph, "--images", big, "--output", folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "big_mask.png", "big_overlay.png", "test_0_mask.png", "test_0_overlay.png",
    ]  # fmt: skip
    with Image.open(folder / "big_mask.png") as labels:
        assert (labels.mode, labels.size) == ("P", (90, 50))
        assert {*np.unique(labels)} <= {0, 1, 2}
        assert labels.getpalette()[3:6] == [128, 64, 128]
    with Image.open(folder / "test_0_overlay.png") as drawn:
        assert drawn.width > 32 + 60  # the legend beside it
    before = photograph.read_bytes()
    with pytest.raises(PruningError, match=r"test_0_overlay\.png is there already"):
        call(predict, *model, "--images", photograph, "--output", folder)
    with pytest.raises(PruningError, match="two photographs have one name"):
        call(predict, *model, "--images", photograph, "--images", photograph, "--output", tmp_path)
    assert photograph.read_bytes() == before


def test_classes_of_whole_images(baseline, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(predict.logging, "info", lambda text, *args: said.append(text % args))
    for i in range(2):
        noise = np.random.default_rng(i).integers(0, 256, (8, 8), dtype="uint8")
        Image.fromarray(noise).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no photograph")
    call(predict, "--model", baseline / "resnet20.keras", "--images", tmp_path, "--top=3")
    assert len(said) == 2
    found = [float(part.split()[-1].rstrip("%")) for part in said[0].split(": ")[1].split(", ")]
    assert len(found) == 3
    assert found == sorted(found, reverse=True)


def test_what_cannot_be_predicted(baseline, tmp_path):
    model = ("--model", baseline / "resnet20.keras")
    with pytest.raises(PruningError, match="--images is missing"):
        call(predict, *model)
    with pytest.raises(PruningError, match="There is no file or folder .*cat.jpg"):
        call(predict, *model, "--images", tmp_path / "cat.jpg")
    with pytest.raises(PruningError, match="No photograph in "):
        call(predict, *model, "--images", tmp_path)
    (tmp_path / "cat.jpg").write_bytes(b"no JPEG")
    with pytest.raises(PruningError, match=r"cat\.jpg cannot be read as a photograph"):
        call(predict, *model, "--images", tmp_path / "cat.jpg")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "m.keras").write_bytes((baseline / "resnet20.keras").read_bytes())
    with pytest.raises(PruningError, match=r"has no preprocessing\.json"):
        call(predict, "--model", bare / "m.keras", "--images", tmp_path)


def test_flags_of_masks_have_no_effect_on_classes(baseline, tmp_path):
    with pytest.raises(PruningError, match="--train_list: the data set 'digits' does not read it"):
        call(train, "--data=digits", "--train_list=cars", "--save_dir", tmp_path)
    with pytest.raises(PruningError, match="figures have no effect with method 'l1' on 'digits'"):
        call(
            prune, "--data=digits", "--method=l1", "--ratio=0.5", "--figures", "--save_dir",
            tmp_path, "--model", baseline / "resnet20.keras",
        )  # fmt: skip
    with pytest.raises(PruningError, match="class_weight='median' has no effect .*'digits'"):
        call(train, "--data=digits", "--class_weight=median", "--epochs=1", "--save_dir", tmp_path)


def test_replicas_share_the_statistics_of_few_photographs(root, monkeypatch):
    data = tfprune.data.load("voc", data_dir=root, classes=root / "classes.txt")
    for count, shared in ((1, False), (2, True)):
        strategy = types.SimpleNamespace(num_replicas_in_sync=count)
        with monkeypatch.context() as patch:
            patch.setattr(train.tf.distribute, "get_strategy", lambda strategy=strategy: strategy)
            patch.setattr(train.models, "build", lambda *_, **options: options)
            assert train.build("deeplab_tiny", data, 0).get("bn_synchronized", False) is shared


def test_training_begins_with_another_models_weights(root, trained, tmp_path):
    given = ("--arch=deeplab_tiny", "--data=voc", "--data_dir", root, "--epochs=0")
    own = ("--classes", root / "classes.txt", "--weights_from", trained / "deeplab_tiny.keras")
    call(train, *given, *own, "--save_dir", tmp_path / "new")
    new = keras.models.load_model(tmp_path / "new" / "deeplab_tiny.keras")
    old = keras.models.load_model(trained / "deeplab_tiny.keras")
    for a, b in zip(new.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
