"""Small models converted together: each computes what it computes alone."""

import gc
import signal

import keras
import numpy as np
import pytest

from tfprune import plugins
from tfprune.exporting import formats

PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("openvino",)}


def parts():
    keras.utils.set_random_seed(1)
    models = []
    for filters in (3, 5):
        image = keras.Input((6, 6, filters), name="image")
        x = keras.layers.Conv2D(4, 3, name="conv")(image)  # of one name in both
        models.append(keras.Model(image, keras.layers.ReLU(name="relu")(x)))
    a, b = keras.Input((4,), name="b"), keras.Input((4,), name="a")
    models.append(keras.Model([a, b], keras.layers.Dense(2, name="d")(a - b)))
    return models


@pytest.mark.parametrize("name", plugins.names(formats))
def test_each_part_computes_what_its_model_computes(name):
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    module = plugins.find(formats, name, "export format")
    models, random = parts(), np.random.default_rng(0)
    calls = module.parts(models)
    assert len(calls) == len(models)
    for model, call in zip(models, calls, strict=True):
        inputs = [random.standard_normal((2, *x.shape[1:])).astype("float32") for x in model.inputs]
        wanted = model(inputs if len(inputs) > 1 else inputs[0]).numpy()
        (received,) = call(inputs)
        atol = module.TOLERANCE * np.abs(wanted).max()
        np.testing.assert_allclose(received, wanted, atol=atol, rtol=0)
        assert np.abs(wanted).max() > 0.1


def test_a_signal_is_heard_after_openvino_was_used():
    pytest.importorskip("openvino")
    module = plugins.find(formats, "openvino", "export format")
    models = parts()
    calls = module.parts(models)
    for model, call in zip(models, calls, strict=True):
        call([np.zeros((1, *x.shape[1:]), "float32") for x in model.inputs])
    del calls, call  # the last of what was compiled
    gc.collect()
    heard, before = [], signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
