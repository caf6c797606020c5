"""Every format: equal to the model after loading, refused and removed when it is not."""

import dataclasses
import logging
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune import plugins
from tfprune.data import Preprocessing, preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import _signature, export, formats
from tfprune.exporting.formats import onnx, openvino, saved_model
from tfprune.passes.progress import telling

FORMATS = plugins.names(formats)
PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("openvino",)}
BATCH = 5  # another size than the one the exporter compares with


@pytest.fixture(scope="module")
def model():
    """Two inputs and two outputs, named against the alphabet, so that an order mix-up shows."""
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3), name="image")
    extra = keras.Input((4,), name="extra")
    x = keras.layers.Conv2D(5, 3, padding="same", name="conv")(image)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    late = keras.layers.Dense(3, name="late")(x)
    joined = keras.layers.Concatenate(name="join")([x, extra])
    return keras.Model([image, extra], [late, keras.layers.Dense(2, name="early")(joined)])


@pytest.fixture(scope="module")
def inputs():
    random = np.random.default_rng(1)
    shapes = [(BATCH, 8, 8, 3), (BATCH, 4)]
    return [random.standard_normal(shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("name", FORMATS)
def test_the_file_computes_what_the_model_computes(model, inputs, name, tmp_path):
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    module = plugins.find(formats, name, "export format")
    needed = {"representative": inputs} if getattr(module, "MEASURES", False) else {}
    paths = export(model, tmp_path, formats=[name], **needed)
    assert list(paths) == [name]
    assert [path.name for path in tmp_path.iterdir()] == [paths[name].name]
    received = module.load(paths[name], model)(inputs)
    for tensor, got in zip(model(inputs, training=False), received, strict=True):
        wanted = tensor.numpy()
        assert got.shape == wanted.shape
        assert np.abs(wanted).max() > 1e-2
        np.testing.assert_allclose(got, wanted, atol=module.TOLERANCE * np.abs(wanted).max())


def test_saved_model_is_served_under_the_models_own_names(model, inputs, tmp_path):
    path = export(model, tmp_path)["saved_model"]
    assert path == tmp_path / "1"
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    specs = signature.structured_input_signature[1]
    assert {name: spec.shape.as_list() for name, spec in specs.items()} == {
        "image": [None, 8, 8, 3],
        "extra": [None, 4],
    }
    assert signature.structured_outputs.keys() == {"late", "early"}


def test_quantized_weights_make_smaller_files(tmp_path):
    wide = keras.Sequential([keras.Input((64,), name="x"), keras.layers.Dense(512, name="wide")])
    paths = export(wide, tmp_path, formats=["tflite", "tflite_float16", "tflite_dynamic_range"])
    exact, half, quarter = (path.stat().st_size for path in paths.values())
    assert half < 0.6 * exact
    assert quarter < 0.35 * exact


def test_a_free_image_size_is_exported(tmp_path):
    image = keras.Input((None, None, 1), name="image")
    model = keras.Model(image, keras.layers.Conv2D(2, 3, name="conv")(image))
    path = export(model, tmp_path)["saved_model"]
    (got,) = saved_model.load(path, model)([np.ones((1, 7, 9, 1), "float32")])
    assert got.shape == (1, 5, 7, 2)


def test_a_table_of_positions_shorter_than_the_usual_example_is_no_obstacle(tmp_path):
    words = keras.Input((None,), dtype="int32", name="words")
    x = keras.layers.Embedding(9, 4)(words)
    places = keras.ops.cumsum(keras.ops.ones_like(words), axis=1) - 1
    x = x + keras.layers.Embedding(10, 4)(places)
    pooled = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(words, keras.layers.Dense(2, name="scores")(pooled))
    export(model, tmp_path, formats=["tflite", "saved_model"])
    assert [x.shape for x in _signature.example_inputs(model)] == [(3, 8)]


def test_integer_inputs_get_integer_examples(tmp_path):
    word = keras.Input((3,), dtype="int32", name="word")
    model = keras.Model(word, keras.layers.Embedding(7, 2, name="embedding")(word))
    assert export(model, tmp_path)["saved_model"].is_dir()


def test_a_model_with_several_outputs_of_one_layer_gets_numbered_names():
    x = keras.Input((4,), name="x")
    first, second = keras.ops.split(x, 2, axis=1)
    names = _signature.output_names(keras.Model(x, [first, second]))
    assert names == [names[0], f"{names[0]}_1"]


def answer_with(monkeypatch, change):
    load = saved_model.load

    def changed(path, model):
        call = load(path, model)
        return lambda inputs: [change(y) for y in call(inputs)]

    monkeypatch.setattr(saved_model, "load", changed)


def test_who_listens_is_told_of_each_format(model, tmp_path):
    told = []
    with telling(lambda done, of, left: told.append((done, of))):
        export(model, tmp_path, formats=["keras", "saved_model"])
    assert told == [(1, 2), (2, 2)]


def test_a_file_that_differs_is_removed(model, tmp_path, monkeypatch):
    answer_with(monkeypatch, lambda y: y * 1.25)
    with pytest.raises(PruningError, match=r"'saved_model' was removed.*'late'.*received.*0\.25"):
        export(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_outputs_of_another_shape_are_refused(model, tmp_path, monkeypatch):
    answer_with(monkeypatch, lambda y: y[:1])
    with pytest.raises(PruningError, match=r"Expected shape \(3, 3\).*received shape \(1, 3\)"):
        export(model, tmp_path)


def test_a_converter_that_fails_leaves_nothing_and_is_named(model, tmp_path, monkeypatch):
    def fail(model, path):
        path.mkdir()
        raise RuntimeError("out of opcodes")

    monkeypatch.setattr(saved_model, "write", fail)
    with pytest.raises(PruningError, match=r"'saved_model' cannot hold .*Error: out of opcodes"):
        export(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_outputs_that_prove_nothing_are_refused(tmp_path, value):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, keras.layers.Rescaling(value, name="scale")(x))
    with pytest.raises(PruningError, match=rf"'scale' has the largest value {value}"):
        export(model, tmp_path)


def test_an_existing_target_is_refused_and_replaced_on_demand(model, tmp_path):
    (tmp_path / "model.keras").write_text("mine")
    with pytest.raises(PruningError, match=r"model\.keras .*exists.*True \(`--overwrite`"):
        export(model, tmp_path, formats=["saved_model", "keras"])
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    export(model, tmp_path, formats=["keras"], overwrite=True)
    assert keras.models.load_model(tmp_path / "model.keras").count_params() == model.count_params()


@pytest.mark.parametrize("name", ["keras", "saved_model", "tflite"])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("file", r"file cannot be made a folder: File exists\. There is a file of that name"),
        (
            "file/out",
            r"out cannot be made a folder: Not a directory\. A part of that path is a fil",
        ),
        ("a\0b", r"received '.*a\\x00b', with a NUL character in it\. Choose another name"),
        ("/proc/out", r"^/proc/out cannot be made a folder: .*Check the path"),  # not even by root
    ],
)
def test_a_folder_that_cannot_be_written_is_named(model, tmp_path, name, place, message):
    if place.startswith("/proc") and not os.path.isdir("/proc/self"):
        pytest.skip("no such folder here")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PruningError, match=message):
        export(model, os.path.join(tmp_path, place), formats=[name])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "mine")]


def test_unknown_and_repeated_formats_list_the_valid_ones(model, tmp_path):
    with pytest.raises(PruningError, match=r"Unknown export format 'tflit'.*'tflite'.*saved_model"):
        export(model, tmp_path, formats=["tflit"])
    for wrong in ["keras", [], ["keras", "keras"]]:
        with pytest.raises(PruningError, match=r"different names, received .*Valid names: keras"):
            export(model, tmp_path, formats=wrong)


def test_the_number_of_inputs_is_checked(model, inputs, tmp_path):
    with pytest.raises(PruningError, match=r"expected 2 inputs \(image, extra\).*received 1"):
        export(model, tmp_path, inputs=inputs[:1])


def test_a_subclassed_model_is_refused(tmp_path):
    class Mine(keras.Model):
        pass

    with pytest.raises(PruningError, match=r"has no inputs.*received Mine"):
        export(Mine(), tmp_path)


def test_onnx_names_the_missing_packages(model, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        PruningError, match=r"tf2onnx, onnxruntime.*pip install 'tfprune\[export\]'"
    ):
        export(model, tmp_path, formats=["onnx"])


def test_openvino_leaves_the_root_logger_its_handlers(monkeypatch):
    """The package takes absl's away as it is imported: what scripts tell came out otherwise."""
    root, own = logging.getLogger(), logging.NullHandler()
    monkeypatch.setattr(root, "handlers", [own])
    monkeypatch.setattr(openvino.importlib, "import_module", lambda name: root.removeHandler(own))
    openvino._openvino()
    assert root.handlers == [own]


def test_openvino_names_the_missing_package(model, tmp_path, monkeypatch):
    monkeypatch.setattr(openvino.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PruningError, match=r"package openvino.*pip install 'tfprune\[openvino\]'"):
        export(model, tmp_path, formats=["openvino"])
    assert list(tmp_path.iterdir()) == []


def test_onnx_refuses_grouped_convolutions_but_not_group_normalization(monkeypatch):
    monkeypatch.setattr(onnx.importlib.util, "find_spec", lambda name: object())
    x = keras.Input((4, 4, 4), name="x")
    normalized = keras.layers.GroupNormalization(2, name="norm")(x)
    onnx.refuse(keras.Model(x, normalized))
    inner = keras.Sequential([keras.layers.Conv2D(4, 1, groups=2, name="grouped")], name="inner")
    with pytest.raises(PruningError, match=r"groups > 1 in: grouped\. Export 'saved_model'"):
        onnx.refuse(keras.Model(x, inner(normalized)))


def test_half_precision_models_are_compared_at_their_own_resolution(inputs, tmp_path):
    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    x = keras.Input((8, 8, 3), name="image")
    y = keras.layers.Conv2D(4, 3, dtype=policy, name="conv")(x)
    half = keras.Model(x, keras.layers.Activation("softmax", dtype="float32", name="out")(y))
    assert _signature.resolution(half) == 4 * 2.0**-7
    assert export(half, tmp_path)["saved_model"].is_dir()


def test_every_format_module_keeps_the_contract():
    for name in FORMATS:
        module = plugins.find(formats, name, "export format")
        assert 0 < module.TOLERANCE <= 0.1
        assert all(
            callable(getattr(module, part)) for part in ("target", "refuse", "write", "load")
        )
    files = [plugins.find(formats, name, "").target(Path("x")) for name in FORMATS]
    assert len(set(files)) == len(files)


@pytest.fixture(scope="module")
def classifier():
    """Ends in a softmax, begins with a Normalization, whose numbers are no variables."""
    keras.utils.set_random_seed(5)
    image = keras.Input((6, 5, 3), name="image")
    x = keras.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 4.0, 9.0])(image)
    x = keras.layers.Conv2D(4, 3, name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="head")(x))


KNOWN = Preprocessing(
    "mine", "channel", (6, 5, 3), 255.0, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), ("ant", "bee", "cat")
)


def test_served_raw_images_and_files_give_probabilities_and_logits(classifier, tmp_path):
    path = export(classifier, tmp_path, preprocessing=KNOWN)["saved_model"]
    loaded = tf.saved_model.load(str(path))
    raw = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3)).astype(np.uint8)
    wanted = classifier((raw / 255 - KNOWN.mean) / KNOWN.deviation).numpy()
    by_image = loaded.signatures["serving_default"](images=tf.constant(raw, tf.float32))
    content = tf.stack([tf.io.encode_png(one) for one in raw])
    by_bytes = loaded.signatures["bytes"](content=content)
    for received in (by_image, by_bytes):
        assert received.keys() == {"probabilities", "logits"}
        np.testing.assert_allclose(received["probabilities"], wanted, atol=1e-5)
        logits = received["logits"].numpy()
        assert np.abs(logits.sum(1) - 1).min() > 1e-3  # not the probabilities once more
        np.testing.assert_allclose(tf.nn.softmax(logits), wanted, atol=1e-5)
    assert (path / "assets.extra" / "labels.txt").read_text() == "ant\nbee\ncat\n"
    assert preprocessing.load(tmp_path) == preprocessing.load(path / "assets.extra") == KNOWN


def test_logits_are_served_as_probabilities_too(tmp_path):
    image = keras.Input((6, 5, 3), name="image")
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    path = export(model, tmp_path, preprocessing=KNOWN)["saved_model"]
    raw = np.full((2, 6, 5, 3), 7.0, np.float32)
    received = tf.saved_model.load(str(path)).signatures["serving_default"](images=raw)
    wanted = model(KNOWN.normalise(raw)).numpy()
    np.testing.assert_allclose(received["logits"], wanted, atol=1e-5)
    np.testing.assert_allclose(received["probabilities"], tf.nn.softmax(wanted), atol=1e-6)


def test_a_signature_that_serves_something_else_is_refused(classifier, tmp_path, monkeypatch):
    other = dataclasses.replace(KNOWN, mean=(0.0, 0.0, 0.0))
    real = saved_model.serve
    monkeypatch.setattr(saved_model, "serve", lambda model, path, known: real(model, path, other))
    with pytest.raises(PruningError, match=r"signature 'serving_default' differs from preprocess"):
        export(classifier, tmp_path, preprocessing=KNOWN)
    assert list(tmp_path.iterdir()) == []


def test_the_next_version_is_taken_and_none_overwritten(classifier, tmp_path):
    (tmp_path / "7").mkdir()
    for number in ("8", "9"):
        assert export(classifier, tmp_path, overwrite=True)["saved_model"].name == number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7", "8", "9"]


def test_onnx_holds_the_numbers_of_a_normalization_and_the_models_names(classifier, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    path = export(classifier, tmp_path, formats=["onnx"])["onnx"]
    session = onnxruntime.InferenceSession(str(path))
    assert [x.name for x in session.get_inputs()] == ["image"]
    assert [x.name for x in session.get_outputs()] == ["head"]


@pytest.mark.parametrize("name", ["keras", "saved_model"])
def test_threads_that_tensorflow_is_not_set_to_are_refused(model, name, tmp_path):
    path = export(model, tmp_path, formats=[name])[name]
    module = plugins.find(formats, name, "export format")
    with pytest.raises(PruningError, match=rf"{name!r}.*received 7.*parallelism_threads\(7\)"):
        module.load(path, model, 7)
