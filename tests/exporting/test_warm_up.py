"""The warm-up file is what tensorflow-serving-api reads, and its requests can be answered."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exporting.test_export import KNOWN
from tfprune.exporting import export
from tfprune.exporting.warm_up import FILE, write_warm_up


@pytest.fixture(scope="module")
def messages():
    return pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def logs(messages, path):
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [messages.PredictionLog.FromString(record) for record in records]


def test_requests_are_the_protocol_buffers_of_tensorflow_serving(messages, tmp_path):
    random = np.random.default_rng(0)
    inputs = {
        "images": random.standard_normal((2, 30, 5)).astype("float32"),  # lengths of two bytes
        "content": np.array([b"\xff\x00", b""], object),
    }
    path = write_warm_up(tmp_path, "größe", {"serving_default": inputs, "bytes": {}})
    first, second = logs(messages, path)
    request = first.predict_log.request
    assert (request.model_spec.name, request.model_spec.signature_name) == (
        "größe", "serving_default",
    )  # fmt: skip
    assert request.inputs.keys() == inputs.keys()
    for name, value in inputs.items():
        np.testing.assert_array_equal(tf.make_ndarray(request.inputs[name]), value)
    assert second.predict_log.request.model_spec.signature_name == "bytes"
    # Nothing is left over that a reader would keep as unknown, or that another encoder would order.
    again = [messages.PredictionLog.FromString(one.SerializeToString()) for one in (first, second)]
    assert again == [first, second]


@pytest.mark.parametrize("known", [KNOWN, None])
def test_every_signature_of_an_export_answers_its_request(messages, known, tmp_path):
    image = keras.Input((6, 5, 3), name="image")
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)), name="mine")
    path = export(model, tmp_path, preprocessing=known)["saved_model"]
    signatures = tf.saved_model.load(str(path)).signatures
    requests = [log.predict_log.request for log in logs(messages, path / FILE)]
    assert {one.model_spec.signature_name for one in requests} == set(signatures)
    for request in requests:
        assert request.model_spec.name == "mine"
        given = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        for output in signatures[request.model_spec.signature_name](**given).values():
            assert output.shape == (1, 3)
            assert np.isfinite(output).all()
