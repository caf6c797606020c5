"""What layers cost that are left whole: the products in TensorFlow's graph of their calls.

No rule says how often such a layer multiplies by its kernels. Whatever goes in and comes out of it
stays, so that its cost is a constant, which is read off the operations that its call is made of.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfprune.graph.keras_graph import is_graph, nodes

Shape = Sequence[int]


def _kernel(op: Any, out: Shape, shapes: Sequence[Shape]) -> int:
    return math.prod(out) * math.prod(shapes[1][:-1])


def _depthwise(op: Any, out: Shape, shapes: Sequence[Shape]) -> int:
    return math.prod(out) * math.prod(shapes[1][:2])


def _transposed(op: Any, out: Shape, shapes: Sequence[Shape]) -> int:
    return math.prod(shapes[2]) * math.prod(shapes[1][:-1])


def _matmul(op: Any, out: Shape, shapes: Sequence[Shape]) -> int:
    turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
    return math.prod(out) * shapes[0][-2 if turned else -1]


def _einsum(op: Any, out: Shape, shapes: Sequence[Shape]) -> int:
    terms = op.get_attr("equation").decode().partition("->")[0].split(",")
    sizes = {a: n for term, x in zip(terms, shapes, strict=True)
             for a, n in zip(term, x, strict=True)}  # fmt: skip
    return math.prod(sizes.values())


_PRODUCTS: dict[str, Callable[[Any, Shape, Sequence[Shape]], int]] = {
    "Conv2D": _kernel,
    "Conv3D": _kernel,
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _transposed,
    "Conv3DBackpropInputV2": _transposed,
    "MatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "Einsum": _einsum,
}
# How often a loop turns, and what is within a function, the operations do not say.
_OPAQUE = ("While", "If", "Case", "Call", "Xla", "PyFunc", "RNN", "Custom")


def macs_of_whole(model: keras.Model, layer: Any) -> int | None:
    """Return the multiply-accumulates of a layer for one sample, over all its calls in a model.

    Args:
        model: a functional model.
        layer: one of its layers.

    Returns:
        None where the sizes are open, or a loop or a function hides the products.

    Example:
        >>> class Twice(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.w = self.add_weight(shape=(4, 4), name="w")
        ...     def call(self, x):
        ...         return keras.ops.matmul(keras.ops.matmul(x, self.w), self.w)
        >>> layer = Twice()
        >>> macs_of_whole(keras.Sequential([keras.Input((4,)), layer]), layer)
        32
    """
    total = 0
    for node in nodes(model):
        if is_graph(node.operation):
            found = macs_of_whole(node.operation, layer)
        elif node.operation is layer:
            found = _macs(layer, node.arguments.args, node.arguments.kwargs)
        else:
            continue
        if found is None:
            return None
        total += found
    return total


def _macs(layer: Any, args: tuple, kwargs: dict) -> int | None:
    tensors = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)]
    if any(None in x.shape[1:] for x in tensors):
        return None

    @tf.function(input_signature=[tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in tensors])
    def call(*given: Any) -> Any:
        values = dict(zip(map(id, tensors), given, strict=True))
        inner, named = keras.tree.map_structure(lambda x: values.get(id(x), x), (args, kwargs))
        return layer(*inner, **named)

    total = 0
    for op in call.get_concrete_function().graph.get_operations():
        found = _products(op)
        if found is None:
            return None
        total += found
    return total


def _products(op: Any) -> int | None:
    count = _PRODUCTS.get(op.type)
    if count is None:
        return None if any(name in op.type for name in _OPAQUE) else 0
    shapes = [x.shape.as_list() if x.shape.rank is not None else [None] for x in op.inputs]
    out = op.outputs[0].shape
    if out.rank is None or None in (*out.as_list(), *(n for shape in shapes for n in shape)):
        return None
    return count(op, out.as_list(), shapes)
