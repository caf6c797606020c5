"""Operations that TensorFlow has and ONNX has not: one is written otherwise, others are refused."""

import importlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.exporting._operations import lacks


def erfc(context: Any, node: Any, name: str, arguments: list) -> None:
    """Write erfc(x), of which exact GELU is made, as 1 - erf(x): ONNX has erf alone."""
    del arguments
    (given,), (result,) = node.input, node.output
    kind, shape = context.get_dtype(result), context.get_shape(result)
    context.remove_node(node.name)
    one = context.make_const(f"{name}/one", np.ones((), np.float32))
    erf = context.make_node("Erf", [given], shapes=[shape], dtypes=[kind], name=f"{name}/erf")
    context.make_node(
        "Sub", [one.output[0], erf.output[0]], outputs=[result], shapes=[shape], dtypes=[kind],
        name=name,
    )  # fmt: skip


def require_known(path: Path, model: keras.Model) -> None:
    """Refuse a file with operations that ONNX does not have: tf2onnx leaves them as they are."""
    onnx = importlib.import_module("onnx")
    nodes = onnx.load(path, load_external_data=False).graph.node
    unknown = [node for node in nodes if not onnx.defs.has(node.op_type, node.domain)]
    if not unknown:
        return
    kinds = {node.op_type for node in unknown}
    raise lacks("ONNX", model, kinds)
