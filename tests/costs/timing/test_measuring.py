"""Measured times: of the runtime, the batch and the dtype asked for, median and spread."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfprune
from tfprune import plugins
from tfprune.costs.timing import latencies, latency, measuring, runners
from tfprune.costs.timing.runners import Runner
from tfprune.errors import PruningError
from tfprune.exporting import formats

PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("openvino",)}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    a, b = keras.Input((4,), name="b"), keras.Input((3,), name="a")  # against the alphabet
    head = keras.layers.Dense(2, name="head")(keras.layers.Concatenate(name="join")([a, b]))
    return keras.Model([a, b], head)


def dense(units=2, batch_size=None):
    x = keras.Input((4,), batch_size=batch_size, name="x")
    return keras.Model(x, keras.layers.Dense(units, name="d")(x), name="net")


def test_median_least_and_quartiles_of_the_repeats(monkeypatch):
    monkeypatch.setattr(measuring, "by_turns", lambda calls, **options: [(5.0, 1.0, 2.0)])
    (found,) = latency(dense(), batch_sizes=(4,))
    assert (found.batch_size, found.seconds, found.fastest, found.repeats) == (4, 2, 1, 3)
    assert found.quartiles == (1.5, 3.5)  # halfway from 1 to 2, and from 2 to 5
    assert str(found) == (
        "batch of 4: 2000.00 ms (1500.00 to 3500.00, half of 3 calls; keras, wall clock)"
    )


def test_each_model_gets_its_own_times_for_each_batch(monkeypatch):
    monkeypatch.setattr(measuring, "by_turns", lambda calls, **options: [(1.0,), (10.0,)])
    first, second = latencies([dense(), dense()], (1, 8), clock="processor", repeats=1)
    assert [(x.batch_size, x.seconds) for x in first] == [(1, 1.0), (8, 1.0)]
    assert [(x.batch_size, x.seconds) for x in second] == [(1, 10.0), (8, 10.0)]
    assert {(x.runtime, x.threads, x.clock) for x in (*first, *second)} == {
        ("keras", None, "processor")
    }


def test_every_call_has_the_batch_and_dtype_asked_for():
    seen = []

    class Watched(keras.layers.Layer):
        def call(self, x):
            tf.py_function(lambda y: seen.append((y.shape, y.dtype)), [x], [])
            return x

    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    watched = keras.Model(image, Watched(dtype="uint8", name="watched")(image))
    latency(watched, batch_sizes=(7,), repeats=2, warm_up=1)
    # One call finds out which size the model takes, one warms up.
    assert seen == [((7, 32, 32, 3), tf.uint8)] * 4


@pytest.mark.parametrize("name", plugins.names(formats))
def test_a_runtime_computes_what_the_model_computes(model, name):
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    random = np.random.default_rng(0)
    inputs = [random.standard_normal((2, n)).astype("float32") for n in (4, 3)]
    with Runner(model, name) as runner:
        (received,) = runner.call(inputs)
    np.testing.assert_allclose(received, model(inputs), atol=0.05)


@pytest.mark.parametrize("name", ["tflite", "onnx", "openvino"])
def test_a_runtime_takes_threads(name):
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    (found,) = tfprune.latency(dense(), runtime=name, threads=1, repeats=2)
    assert (found.runtime, found.threads) == (name, 1)
    assert found.seconds > 0


def test_a_compiled_model_takes_batches_of_any_size_without_a_warning(caplog):
    with Runner(dense(), "keras") as runner:
        for count in range(1, 9):
            assert runner.on_samples(count)()[0].shape == (count, 2)
            assert runner.on_samples(count, anew=True)()[0].shape == (count, 2)
    assert not caplog.records  # TensorFlow counts the graphs that it traces by itself


def test_the_file_is_there_for_as_long_as_the_runner(monkeypatch, tmp_path):
    monkeypatch.setattr(runners.tempfile, "tempdir", str(tmp_path))
    with Runner(dense(), "tflite"):
        assert [path.suffix for path in tmp_path.rglob("*.tflite")] == [".tflite"]
    assert list(tmp_path.rglob("*.tflite")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runtime": "tensorrt"}, "'tensorrt'.*onnx"),
        ({"threads": 0}, "threads must be a whole number from 1 on, received 0"),
        ({"threads": 7}, r"'keras' runs in this process.*received 7"),
        ({"batch_sizes": 3}, r"batch_sizes must be a non-empty sequence"),
    ],
)
def test_what_no_runtime_can_do_is_refused(options, message):
    with pytest.raises(PruningError, match=message):
        latency(dense(), **options)


def test_a_model_of_a_fixed_batch_is_measured_in_it_alone():
    (found,) = latency(dense(batch_size=2), batch_sizes=(2,), repeats=1)
    assert found.batch_size == 2
    with pytest.raises(PruningError, match=r"'x' of model 'net'.*batches of 2.*batch size 1"):
        latency(dense(batch_size=2), batch_sizes=(1,))


def test_what_a_converter_says_is_told(monkeypatch):
    def fail(model, path):
        raise RuntimeError("out of opcodes")

    module = plugins.find(formats, "tflite", "export format")
    monkeypatch.setattr(module, "write", fail)
    with (
        pytest.raises(PruningError, match=r"'tflite' cannot run the model 'net': .*out of opcodes"),
        Runner(dense(), "tflite"),
    ):
        pass
