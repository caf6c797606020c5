"""prune.py: a smaller model with its proof, and what it refuses."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import prune
import tfprune.data
from tests.scripts.conftest import PRUNED, QUICK, call
from tfprune import runs
from tfprune.data import preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import read_metadata
from tfprune.exporting.formats import tflite_int8
from tfprune.runs import Plan, load_masks, stages
from tfprune.training.identity import digest

HALF = ("--method=gfbs", "--ratio=0.5", "--samples=32")


def test_a_run_leaves_everything_in_its_folder(pruned):
    left = {path.name for path in pruned.iterdir()}
    assert left == {
        "export", "flags.cfg", "masks.json", "masks.npz", "metrics.csv", "preprocessing.json",
        "report", "report.json",
        "report.txt", "resnet20.keras", "tensorboard",
    }  # fmt: skip


def test_the_model_has_the_channels_that_the_masks_keep(baseline, pruned):
    keep = load_masks(pruned / "masks.npz")
    old = keras.models.load_model(baseline / "resnet20.keras")
    small = keras.models.load_model(pruned / "resnet20.keras")
    assert old.get_layer("stem").filters == len(keep["stem"]) == 8
    assert small.get_layer("stem").filters == keep["stem"].sum() == 4
    assert json.loads((pruned / "masks.json").read_text())["stem"] == keep["stem"].tolist()


def test_the_export_computes_what_the_model_computes(pruned):
    small = keras.models.load_model(pruned / "resnet20.keras")
    raw = tfprune.data.load("digits").test.images[:7].astype("float32")
    loaded = tf.saved_model.load(str(pruned / "export" / "resnet20" / "1"))
    served = loaded.signatures["serving_default"](images=tf.constant(raw))["probabilities"]
    images = preprocessing.load(pruned).normalise(raw)
    np.testing.assert_allclose(served, small(images), atol=1e-5)


def test_the_report_tells_what_pruning_and_integers_have_gained(baseline, pruned):
    text = (pruned / "report.txt").read_text()
    path = pruned / "export" / "model_int8.tflite"
    report = json.loads((pruned / "report.json").read_text())
    told = report["exported"]
    assert told["tflite_int8"]["bytes"] == path.stat().st_size
    assert told["saved_model"]["difference"] < 1e-5
    small = keras.models.load_model(pruned / "resnet20.keras")
    data = tfprune.data.load("digits")
    images = preprocessing.load(pruned).normalise(data.test.images).numpy()
    (answers,) = tflite_int8.load(path, small)([images])
    accuracy = (answers.argmax(-1) == data.test.labels).mean()
    assert told["tflite_int8"]["test_accuracy"] == pytest.approx(accuracy)
    rows = {line.split("  ")[1]: line.split() for line in text.splitlines() if "  " in line}
    original = (baseline / "resnet20.keras").stat().st_size
    assert rows["original"][1:] == [
        f"{original:,}", f"{report['before']['results']['accuracy']:.2%}",
    ]  # fmt: skip
    agreement = told["tflite_int8"]["agreement"]
    assert rows["pruned, tflite_int8"][2:] == [
        f"{path.stat().st_size:,}", f"{accuracy:.2%}", f"{agreement:.2%}",
    ]  # fmt: skip


def test_exported_files_tell_of_the_pruning(baseline, pruned):
    old = keras.models.load_model(baseline / "resnet20.keras")
    exported = pruned / "export"
    for path in (
        exported / "resnet20/1",
        exported / "model_int8.tflite",
        pruned / "resnet20.keras",
    ):
        found = read_metadata(path)
        assert (found["method"], found["amount"]) == ("gfbs", {"ratio": 0.5})
        assert found["original"] == digest(old.get_weights())
        assert len(found["scores"]) == 16
        assert found["scores"] != digest([])
        assert found["labels"] == [str(number) for number in range(10)]


def test_a_quantised_file_that_disagrees_is_left_out_and_told_of(baseline, tmp_path, monkeypatch):
    model, data = keras.models.load_model(baseline / "resnet20.keras"), tfprune.data.load("digits")
    load = tflite_int8.load

    def wrong(path, model):
        call = load(path, model)
        return lambda inputs: [np.roll(y, 1, axis=-1) for y in call(inputs)]

    monkeypatch.setattr(tflite_int8, "load", wrong)
    shipping = runs.Shipping(["keras", "tflite_int8"], representative=20)
    shipped = runs.ship(model, tmp_path, data, runs.Feeding(), shipping)
    assert list(shipped.exported) == ["keras"]
    assert "'tflite_int8' was removed again" in shipped.not_kept[0]
    assert shipped.gains((1, ""), (1, "")) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "preprocessing.json"]


def test_the_report_compares_both_models(baseline, pruned):
    report = json.loads((pruned / "report.json").read_text())
    before = json.loads((baseline / "report.json").read_text())
    assert report["before"]["results"] == pytest.approx(before["results"])
    assert report["before"]["parameters"] == before["parameters"]
    assert report["after"]["parameters"] < report["before"]["parameters"]
    assert report["after"]["macs"] < report["before"]["macs"]
    assert report["after"]["file_bytes"] == (pruned / "resnet20.keras").stat().st_size
    text = (pruned / "report.txt").read_text()
    for part in ("rebuilt and masked model are equal", "MACs", "batch of 64", str(pruned)):
        assert part in text


def test_masks_of_an_interrupted_run_are_applied_again(baseline, tmp_path, monkeypatch):
    arguments = (
        "--data=digits", *HALF, "--epochs=0", "--pretrain_dir", baseline, "--save_dir", tmp_path,
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(prune.files, "save_model", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(prune, *arguments)
    chosen = np.array([True, False] * 4)  # not what the method would have chosen
    keep = load_masks(tmp_path / "masks.npz") | {"stem": chosen}
    prune.runs.save_masks(tmp_path, keep)
    monkeypatch.setattr(stages, "prune", _not_again)
    call(prune, *arguments)
    old = keras.models.load_model(baseline / "resnet20.keras").get_layer("stem").get_weights()[0]
    new = keras.models.load_model(tmp_path / "resnet20.keras").get_layer("stem").get_weights()[0]
    np.testing.assert_array_equal(new, old[..., chosen])


def _interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def _not_again(*args, **kwargs):
    raise AssertionError("done again")


def test_a_finished_run_is_reused(baseline, pruned, monkeypatch):
    monkeypatch.setattr(prune, "prune", _not_again)
    call(prune, *PRUNED, "--pretrain_dir", baseline, "--save_dir", pruned)


def test_the_report_holds_values_that_a_program_can_read(pruned):
    report = json.loads((pruned / "report.json").read_text())
    assert report["arch"] == "resnet20"
    assert report["seed"] == 0
    assert report["amount"] == {"ratio": 0.5}
    assert report["channels"] == {"stem": [4, 8], "head": [10, 10]}
    proof = report["verification"]["cut"]
    assert proof["exact"] is True
    assert proof["effect"] > proof["tolerance"]
    assert proof["difference"] <= proof["tolerance"] * proof["scale"]


def test_raw_images_and_the_run_s_own_file_give_the_reported_accuracy(pruned):
    digits = tfprune.data.load("digits")
    known = preprocessing.load(pruned)
    assert known.labels == tuple("0123456789")
    small = keras.models.load_model(pruned / "resnet20.keras")
    found = small.predict(known.normalise(digits.test.images), verbose=0).argmax(1)
    report = json.loads((pruned / "report.json").read_text())
    accuracy = np.mean(found == digits.test.labels)
    assert accuracy == pytest.approx(report["after"]["results"]["accuracy"])


def test_a_model_trained_on_other_images_is_refused_whatever_the_seed(baseline, tmp_path):
    where = ("--pretrain_dir", baseline, "--save_dir", tmp_path)
    mine = ("--data=digits", "--epochs=0", *HALF, *where)
    with pytest.raises(PruningError, match=r"was made with .*'training_images': .*same flags"):
        call(prune, *mine, "--split_seed=1", "--seed=0")
    call(prune, *mine, "--seed=1", "--formats=")
    trained, pruned = (json.loads((f / "report.json").read_text()) for f in (baseline, tmp_path))
    assert (trained["seed"], pruned["seed"]) == (0, 1)
    assert trained["training_images"] == pruned["training_images"]
    assert (
        f"# fingerprint of the data: {tfprune.data.load('digits').fingerprint}\n"
        in (tmp_path / "flags.cfg").read_text()
    )


def test_a_model_of_one_s_own_is_pruned_by_its_file(baseline, tmp_path):
    own = keras.models.load_model(baseline / "resnet20.keras")
    own.save(tmp_path / "mine.h5")
    run = tmp_path / "{seed}_{arch}"
    call(
        prune, "--data=digits", *HALF, "--model", tmp_path / "mine.h5", "--epochs=0",
        "--save_dir", run, "--formats=", "--seed=3",
    )  # fmt: skip
    small = keras.models.load_model(tmp_path / "3_mine" / "mine.keras")
    assert small.get_layer("stem").filters == 4
    assert (tmp_path / "3_mine" / "report.txt").read_text().startswith("mine on digits pruned by")
    flags_cfg = (tmp_path / "3_mine" / "flags.cfg").read_text()
    assert "--model=" in flags_cfg
    assert "--arch" not in flags_cfg
    with pytest.raises(PruningError, match=r"--arch: --model says which network"):
        call(prune, *QUICK, *HALF, "--model", tmp_path / "mine.h5", "--arch=vgg16")


def test_a_model_that_does_not_fit_the_data_or_its_name_is_refused(baseline, tmp_path):
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, name="stem")(image))
    keras.Model(image, keras.layers.Dense(5)(x), name="colours").save(tmp_path / "m.keras")
    where = ("--save_dir", tmp_path / "run")
    with pytest.raises(
        PruningError, match=r"'colours' does not fit.*\(8, 8, 1\).*10 classes, .*\[5\]"
    ):
        call(prune, *QUICK, *HALF, "--model", tmp_path / "m.keras", *where)
    (tmp_path / "vgg16.keras").write_bytes((baseline / "resnet20.keras").read_bytes())
    with pytest.raises(PruningError, match=r"is no vgg16: the model in it is called 'resnet20'"):
        call(prune, *QUICK, *HALF, "--arch=vgg16", "--pretrain_dir", tmp_path, *where)
    assert not (tmp_path / "run").exists()


def request_of(*arguments):
    """Return what the script would ask of the library."""
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune, "load_baseline", lambda path, *args: seen.update(baseline=path))
        patch.setattr(prune.tfprune.data.Preprocessing, "require_fit", lambda *args: None)
        patch.setattr(prune, "require_formats", lambda *args: None)
        patch.setattr(prune, "require_possible", lambda *args, **options: None)
        patch.setattr(prune.runs, "claim", lambda folder, *a, **k: seen.update(folder=folder))
        patch.setattr(prune, "prune", lambda *a, **k: seen.update(k))
        call(prune, "--data=digits", *arguments)
    return seen


def test_flags_become_options_of_the_library():
    seen = request_of(
        "--method=random", "--macs=0.4", "--round-to=4", "--exclude=stem*", "--seed=3"
    )
    assert seen["plan"] == prune.runs.Plan(
        "random", None, {"macs": 0.4, "round_to": 4, "exclude": ["stem*"], "seed": 3}
    )
    seen = request_of(
        "--method=gfbs", "--p=0.3", "--scope=layer", "--option=w_beta=0.1", "--coupled=pin"
    )
    options = {"ratio": 0.3, "scope": "layer", "w_beta": 0.1, "coupled": "pin"}
    assert seen["plan"] == prune.runs.Plan("gfbs", 200, options)
    seen = request_of("--method=gfi", "--option=cap=true", "--option=classes=10")
    assert seen["plan"].options == {"ratio": 0.41, "cap": True, "classes": 10}


def test_methods_bring_their_papers_defaults():
    plans = {
        name: request_of(f"--method={name}")["plan"]
        for name in ("fgp", "gfbs", "similarity", "gfi")
    }
    assert plans["fgp"].options == {"threshold": 0.8}
    assert plans["gfbs"].options == {"ratio": 0.7}
    assert (plans["similarity"].options, plans["similarity"].samples) == ({"threshold": 0.7}, 100)
    assert (plans["gfi"].options, plans["gfi"].samples) == ({"ratio": 0.41}, 0)
    sfp = request_of("--method=sfp", "--ratio=0.3", "--stage_epochs=2")
    assert (sfp["plan"].schedule, sfp["plan"].recipe.epochs) == ("soft", 2)
    assert (sfp["recipe"].epochs, sfp["recipe"].clip_norm) == (160, None)


@pytest.mark.parametrize(
    ("arguments", "between", "last"),
    [
        ((), 1.0, None),
        (("--clip_norm=3",), 3.0, 3.0),
        (("--stage_clip_norm=0",), None, None),
        (("--clip_norm=3", "--stage_clip_norm=2"), 2.0, 3.0),
    ],
)
def test_soft_pruning_clips_unless_told_otherwise(arguments, between, last):
    seen = request_of("--method=sfp", "--ratio=0.3", *arguments)
    assert (seen["plan"].recipe.clip_norm, seen["recipe"].clip_norm) == (between, last)
    one_by_one = request_of("--method=gfbs", "--smooth")
    assert one_by_one["plan"].recipe.clip_norm is None


def test_schedules_are_read_from_their_flags():
    seen = request_of("--method=gfbs", "--smooth", "--stage_epochs=30", "--layer_lr=0.008")
    plan = seen["plan"]
    assert (plan.schedule, plan.recipe.epochs) == ("layer_by_layer", 30)
    assert plan.settings == {"layer_rate": 0.008}
    assert str(seen["folder"]).endswith("resnet20_gfbs_ratio_0.70_layer_by_layer")
    plan = request_of(
        "--method=l1", "--macs=0.5", "--prune_schedule=iterative", "--steps=4", "--course=linear"
    )["plan"]
    assert (plan.schedule, plan.settings) == ("iterative", {"steps": 4, "course": "linear"})
    assert plan.recipe.epochs == 1


def test_the_training_between_the_cuts_may_differ_from_the_last():
    seen = request_of(
        "--method=gfbs", "--smooth", "--stage_epochs=30", "--epochs=45", "--optimizer=sgd",
        "--decay_step=10,15", "--decay_factor=0.2", "--stage-decay-step=5,10",
        "--stage_decay_factor=0.1", "--stage_nesterov",
    )  # fmt: skip
    between, last = seen["plan"].recipe, seen["recipe"]
    assert (between.epochs, last.epochs) == (30, 45)
    assert (between.decay_steps, last.decay_steps) == ((5, 10), (10, 15))
    assert (between.decay_factor, last.decay_factor) == (0.1, 0.2)
    assert (between.nesterov, last.nesterov) == (True, False)
    assert between.weight_decay == last.weight_decay == 2e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage_momentum=0.5"], "--stage_momentum: it belongs to optimizer='sgd', received 'ad"),
        (["--stage_decay_step=1,x"], "--decay_step: expected whole epochs.*received 1,x"),
        (["--stage_warmup=9"], "--stage_epochs=1: warmup_epochs must be.*below 1"),
        (["--layer_lr=1", "--stage_warmup=0.5"], "--stage_warmup: --layer_lr sets"),
        (
            ["--epochs=0", "--weight_decay=1", "--stage_weight_decay=0.1"],
            "--weight_decay: the training between the cuts has its own, and --epochs=0",
        ),
    ],
)
def test_settings_of_that_training_are_refused_like_the_flags(tmp_path, arguments, message):
    arguments = ("--method=gfbs", "--smooth", "--p=0.5", *arguments)
    with pytest.raises(PruningError, match=message):
        call(prune, "--data=digits", "--save_dir", tmp_path / "run", *arguments)


def test_the_papers_defaults_and_our_folders():
    seen = request_of("--arch=vgg16", "--method=l1", "--threshold=0.8")
    assert str(seen["baseline"]) == "runs/digits/trained/vgg16/vgg16.keras"
    assert str(seen["folder"]) == "runs/digits/pruned/vgg16_l1_threshold_0.80"
    assert seen["recipe"].epochs == 160
    assert seen["recipe"].decay_steps == (80, 120)
    assert seen["feeding"].batch_size == 128
    assert seen["shipping"].formats == ["saved_model"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method=magnitude", "--ratio=0.5"], r"'magnitude' is not available.*gfbs.* l1, l2"),
        (["--method=l1"], r"expected one of --ratio.*method 'l1', received none"),
        (["--method=l1", "--ratio=0.5", "--macs=0.5"], r"received --ratio=0.5, --macs=0.5"),
        (["--method=l1", "--ratio=0.5", "--samples=9"], r"--samples: method 'l1' looks at no"),
        (["--method=l1", "--threshold=1", "--scope=global"], r"--scope: --threshold says how much"),
        (["--method=l1", "--p=0.5", "--option=method=l2"], r"--option=method: it has a flag.*meth"),
        (["--method=l1", "--p=0.5", "--option=ratio=0.3"], r"--option=ratio: it has a flag"),
        (["--method=l1", "--p=0.5", "--option=round-to=2"], r"--option=round_to: .*--round_to="),
        (["--method=l1", "--p=0.5", "--option=coupled=pin"], r"--option=coupled: it has a flag"),
        (["--method=l1", "--p=0.5", "--option=counts={}"], r"--option=counts: only for Python"),
        (
            ["--method=gfbs", "--p=0.5", "--option=beta=off", "--option=beta=only"],
            r"--option=beta is given twice",
        ),
        (["--method=l1", "--p=0.5", "--memory_gb=1"], r"--memory_gb: method 'l1' keeps no maps"),
        (["--method=gfi", "--smooth", "--layer_lr=0"], r"--layer_lr: expected a rate above 0"),
        (
            ["--method=gfi", "--smooth", "--layer_lr=1", "--epochs=0", "--learning_rate=1"],
            r"--learning_rate: the training between the cuts has its own, and --epochs=0 trains",
        ),
        (["--method=l1", "--p=0.5", "--steps=3"], r"--steps: --prune_schedule=one_shot does not"),
        (["--method=l1", "--p=0.5", "--stage-epochs=3"], r"--stage_epochs: --prune_schedule=one"),
        (["--method=l1", "--p=0.5", "--stage-warmup=1"], r"--stage_warmup: --prune_schedule=one"),
        (
            ["--method=l1", "--p=0.5", "--smooth", "--prune-schedule=soft"],
            r"--smooth means --prune_schedule=layer_by_layer, but soft was asked for",
        ),
        (["--method=gfbs", "--ratio=0.5", "--option=w_beta"], r"--option: .*received 'w_beta'"),
        (["--method=gfbs", "--ratio=0.5", "--gpu=7"], r"There is no GPU 7"),
    ],
)
def test_bad_flags_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(PruningError, match=message):
        call(prune, "--data=digits", "--save_dir", tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method=l1", "--ratio=1.5"], r"ratio must lie in \[0, 1\)"),
        (["--method=gfbs", "--option=w_bata=0.1"], r"Unknown option of prune .* 'w_bata'.*w_beta"),
        (["--method=similarity", "--ratio=0.5"], r"similarity: expected threshold="),
        (["--method=gfi", "--option=cap=x"], r"cap must be True or False, received 'x'"),
        (["--method=l1", "--ratio=0.5", "--exclude=nothing*"], r"layer pattern in exclude"),
    ],
)
def test_impossible_choices_are_refused_before_a_folder_is_made(
    baseline, tmp_path, arguments, message
):
    where = ("--pretrain_dir", baseline, "--save_dir", tmp_path / "run")
    with pytest.raises(PruningError, match=message):
        call(prune, *QUICK, *arguments, *where)
    assert not (tmp_path / "run").exists()


def test_a_missing_or_damaged_baseline_is_named(baseline, tmp_path):
    arguments = (*QUICK, *HALF, "--save_dir", tmp_path / "run", "--pretrain_dir", tmp_path)
    with pytest.raises(PruningError, match=r"no model file .*resnet20\.keras.*train\.py"):
        call(prune, *arguments)
    whole = (baseline / "resnet20.keras").read_bytes()
    (tmp_path / "resnet20.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PruningError, match=r"resnet20\.keras \(\d+ bytes\) cannot be loaded"):
        call(prune, *arguments)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "stages"),
    [
        (["--prune_schedule=layer_by_layer"], {"stem"}),
        (["--prune_schedule=iterative", "--steps=2"], {"step-1"}),
        (["--prune_schedule=soft"], {"soft"}),
    ],
)
def test_an_interrupted_schedule_goes_on_with_its_trained_stages(
    baseline, tmp_path, monkeypatch, arguments, stages
):
    arguments = (
        *QUICK, "--method=l2", "--ratio=0.5", *arguments, "--formats=", "--recalibrate=1",
        "--pretrain_dir", baseline, "--save_dir", tmp_path,
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(prune.runs, "train_recorded", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(prune, *arguments)
    kept = sorted((tmp_path / "stages").glob("*/trained.keras"))
    assert {path.parent.name for path in kept} == stages
    times = [path.stat().st_mtime_ns for path in kept]
    with monkeypatch.context() as patch:
        patch.setattr(prune.runs, "train_recorded", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(prune, *arguments)
    assert [path.stat().st_mtime_ns for path in kept] == times
    call(prune, *arguments)
    assert not (tmp_path / "stages").exists()
    report = json.loads((tmp_path / "report.json").read_text())
    last = set() if report["schedule"] == "layer_by_layer" else {"after_recalibration"}
    assert set(report) >= {"before_fine_tuning", "schedule", "seconds", *last}
    assert keras.models.load_model(tmp_path / "resnet20.keras").get_layer("stem").filters == 4


def test_a_layer_s_rate_grows_with_the_lost_training_accuracy(baseline, tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.7])
    where = "tfprune.runs.stages.evaluate"
    monkeypatch.setattr(where, lambda *args, **task: {"accuracy": next(accuracies)})
    arguments = ("--smooth", "--layer_lr=0.008", "--formats=", "--pretrain_dir", baseline)
    with monkeypatch.context() as patch:
        patch.setattr(prune.runs, "train_recorded", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(prune, *QUICK, "--method=l2", "--ratio=0.5", "--recalibrate=1", *arguments,
                 "--save_dir", tmp_path)  # fmt: skip
    header, row = (tmp_path / "stages" / "stem" / "metrics.csv").read_text().splitlines()
    rate = dict(zip(header.split(","), row.split(","), strict=True))["learning_rate"]
    assert float(rate) == pytest.approx(0.008)


def test_rates_of_compression_are_counts_of_channels(baseline, tmp_path):
    call(
        prune, "--data=digits", "--method=l1", "--compress_rate=[0.75]", "--epochs=0",
        "--formats=", "--pretrain_dir", baseline, "--save_dir", tmp_path,
    )  # fmt: skip
    assert keras.models.load_model(tmp_path / "resnet20.keras").get_layer("stem").filters == 2


def test_the_baseline_is_never_overwritten(baseline):
    before = (baseline / "resnet20.keras").read_bytes()
    with pytest.raises(
        PruningError, match=r"is the folder of the model to prune, .*would replace it"
    ):
        call(
            prune, *QUICK, "--method=l1", "--ratio=0.5", "--overwrite",
            "--pretrain_dir", baseline, "--save_dir", baseline / ".." / baseline.name,
        )  # fmt: skip
    assert (baseline / "resnet20.keras").read_bytes() == before


def test_formats_are_checked_before_the_training(baseline, tmp_path):
    arguments = (*QUICK, *HALF, "--save_dir", tmp_path / "run", "--pretrain_dir", baseline)
    with pytest.raises(PruningError, match=r"Unknown export format 'tflit'"):
        call(prune, *arguments, "--formats=saved_model,tflit")
    assert not (tmp_path / "run").exists()


def test_an_option_that_the_library_refuses_can_be_corrected(baseline, tmp_path):
    arguments = ("--data=digits", *HALF, "--epochs=0", "--formats=", "--pretrain_dir", baseline)
    with pytest.raises(PruningError, match=r"'stme'"):
        call(prune, *arguments, "--save_dir", tmp_path, "--exclude=stme")
    call(prune, *arguments, "--save_dir", tmp_path, "--exclude=head")
    assert (tmp_path / "report.json").is_file()
    assert not (tmp_path / "export").exists()


def test_a_baseline_of_another_normalisation_is_refused(baseline, tmp_path):
    with pytest.raises(PruningError, match=r"'normalisation': 'channel'.*'normalisation': 'pixel'"):
        call(
            prune, *QUICK, *HALF, "--normalisation=pixel",
            "--pretrain_dir", baseline, "--save_dir", tmp_path / "run",
        )  # fmt: skip


def test_kernels_solved_anew_are_kept_and_reported(baseline, tmp_path, monkeypatch):
    arguments = (
        *QUICK, "--method=l2", "--macs=0.6", "--scope=sensitivity", "--reconstruct=60",
        "--passes=1", "--formats=", "--pretrain_dir", baseline, "--save_dir", tmp_path,
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(prune.runs, "train_recorded", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            call(prune, *arguments)
    kept = tmp_path / "stages" / "reconstructed" / "reconstructed.keras"
    solved = keras.models.load_model(kept).get_weights()
    patch = pytest.MonkeyPatch()
    patch.setattr("tfprune.runs.stages.reconstruct", lambda *_, **__: pytest.fail("done again"))
    call(prune, *arguments)
    patch.undo()
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["reconstruction"], report["passes"]) == (60, 1)
    assert set(report["after_reconstruction"]) == set(report["before_fine_tuning"])
    text = (tmp_path / "report.txt").read_text()
    assert "layers solved anew from 60 samples" in text
    assert "all weights together" in text
    masks = np.load(tmp_path / "masks.npz")
    shapes = {w.shape for w in solved}
    assert any(not masks[name].all() for name in masks.files)
    assert (3, 3, 1, int(masks["stem"].sum())) in shapes


def test_passes_over_no_images_are_refused(baseline, tmp_path):
    with pytest.raises(PruningError, match="--passes: nothing is solved anew without --reconst"):
        call(
            prune, *QUICK, "--method=l2", "--macs=0.6", "--passes=2",
            "--pretrain_dir", baseline, "--save_dir", tmp_path,
        )  # fmt: skip
    with pytest.raises(PruningError, match="passes=2 has no effect without reconstruction="):
        Plan("l2", passes=2)


@pytest.mark.parametrize("extra", ["--reconstruct=60", "--scope=sensitivity"])
def test_what_a_training_between_the_cuts_answers_is_refused(baseline, tmp_path, extra):
    with pytest.raises(PruningError, match="trains between its cuts, which answers what"):
        call(
            prune, *QUICK, "--method=l2", "--macs=0.6", extra, "--prune_schedule=iterative",
            "--formats=", "--pretrain_dir", baseline, "--save_dir", tmp_path,
        )  # fmt: skip
