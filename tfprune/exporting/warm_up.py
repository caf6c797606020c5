"""Requests that TensorFlow Serving answers to itself before a model takes traffic.

The first request traces and allocates, so that it takes many times as long as the others. The
server replays a TFRecord of `PredictionLog` from `assets.extra/tf_serving_warmup_requests`
(https://www.tensorflow.org/tfx/serving/saved_model_warmup). The messages are encoded here, since
they nest length-delimited fields only, and tensorflow-serving-api would be a dependency for four of
them. Field numbers: tensorflow_serving/apis/{prediction_log,predict,model}.proto.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfprune.files import make_folder

FILE = "assets.extra/tf_serving_warmup_requests"
_LENGTH_DELIMITED = 2  # a wire type of protocol buffers
_PREDICT_LOG, _REQUEST, _MODEL, _INPUTS = 6, 1, 1, 2
_NAME, _SIGNATURE = 1, 3
_KEY, _VALUE = 1, 2


def write_warm_up(
    saved_model: str | os.PathLike,
    name: str,
    requests: Mapping[str, Mapping[str, np.ndarray | tf.Tensor]],
) -> Path:
    """Write one request per signature into a SavedModel's folder.

    Args:
        saved_model: the folder of the SavedModel.
        name: what the model is served as.
        requests: {signature: {input: value}}, each value with its axis of samples.

    Returns:
        The file.

    Example:
        >>> import tempfile
        >>> requests = {"serving_default": {"images": np.zeros((1, 2), "float32")}}
        >>> path = write_warm_up(tempfile.mkdtemp(), "mine", requests)
        >>> sum(1 for _ in tf.data.TFRecordDataset(str(path)))
        1
    """
    path = Path(saved_model) / FILE
    make_folder(path.parent)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            writer.write(_prediction_log(name, signature, inputs))
    return path


def _prediction_log(
    name: str, signature: str, inputs: Mapping[str, np.ndarray | tf.Tensor]
) -> bytes:
    spec = _field(_NAME, name.encode()) + _field(_SIGNATURE, signature.encode())
    request = _field(_MODEL, spec)
    for key, value in inputs.items():
        tensor = tf.make_tensor_proto(np.asarray(value)).SerializeToString()
        request += _field(_INPUTS, _field(_KEY, key.encode()) + _field(_VALUE, tensor))
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Return seven bits a byte, the lowest first; the eighth says that more follow."""
    found = []
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return bytes([*found, value])
