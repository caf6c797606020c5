"""Serve a SavedModel by KServe's SDK, over TensorFlow Serving's REST: FOLDER NAME PORT.

For an interpreter with `pip install kserve tensorflow==2.21.0`.
"""

import base64
import sys

import kserve
import tensorflow as tf


class Saved(kserve.Model):
    def __init__(self, folder, name):
        super().__init__(name)
        self.loaded = tf.saved_model.load(folder)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        signature = self.loaded.signatures[payload.get("signature_name", "serving_default")]
        ((key, spec),) = signature.structured_input_signature[1].items()
        rows = [self.plain(row) for row in payload["instances"]]
        received = signature(**{key: tf.constant(rows, spec.dtype)})
        columns = {name: value.numpy().tolist() for name, value in received.items()}
        return {"predictions": [{n: c[i] for n, c in columns.items()} for i in range(len(rows))]}

    @staticmethod
    def plain(row):
        return base64.b64decode(row["b64"]) if isinstance(row, dict) else row


folder, name, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
kserve.ModelServer(http_port=port, enable_grpc=False, workers=1).start([Saved(folder, name)])
