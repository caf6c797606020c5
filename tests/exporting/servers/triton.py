"""Serve a SavedModel by NVIDIA's Triton: python triton.py FOLDER NAME PORT.

For an interpreter with `pip install nvidia-pytriton==0.7.0 tensorflow==2.21.0 "numpy<2"`.
"""

import sys

import tensorflow as tf
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

folder, name, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
loaded = tf.saved_model.load(folder)
signature = loaded.signatures["serving_default"]
specs = signature.structured_input_signature[1]


@batch
def infer(**images):
    received = signature(**{key: tf.constant(value) for key, value in images.items()})
    return {key: value.numpy() for key, value in received.items()}


def tensors(found):
    return [
        Tensor(name=key, dtype=spec.dtype.as_numpy_dtype, shape=tuple(spec.shape[1:]))
        for key, spec in found.items()
    ]


config = TritonConfig(http_port=port, grpc_port=port + 1, allow_metrics=False)
with Triton(config=config) as server:
    server.bind(
        name, infer, tensors(specs), tensors(signature.structured_outputs),
        config=ModelConfig(max_batch_size=16),
    )  # fmt: skip
    server.serve()
