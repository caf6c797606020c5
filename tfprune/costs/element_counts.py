"""How many numbers the layers compute besides the kernels' sums: what some FLOP counters add."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import keras

from tfprune.graph.activation_kinds import rectifies
from tfprune.graph.layer_calls import LayerCall, calls
from tfprune.graph.rules import has_role

Count = int | None  # None: on a map of unknown size


@dataclass(frozen=True)
class Elements:
    """Numbers that one layer computes for one sample, over all its calls; None if unknown.

    Args:
        conv_bias: additions of a convolution's bias.
        dense_bias: additions of a dense layer's bias.
        norm: outputs of a batch normalisation.
        rectified: outputs of a ReLU or one of its kin, as a layer or as a layer's `activation`.
        pool_inputs: inputs of a pooling, without the zeros of a padding layer before it.
        pool_outputs: its outputs.
    """

    conv_bias: Count = 0
    dense_bias: Count = 0
    norm: Count = 0
    rectified: Count = 0
    pool_inputs: Count = 0
    pool_outputs: Count = 0

    def __add__(self, other: "Elements") -> "Elements":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Elements(*(None if None in pair else sum(pair) for pair in pairs))


def count_elements(model: keras.Model) -> dict[int, Elements]:
    """Count the elements of each layer of a functional model.

    Plain operations such as `keras.ops.relu` count nothing: they are what a counter that hooks
    modules does not see, and the papers' figures leave them out.

    Returns:
        {id of the layer: its elements}, a shared layer's over all calls.

    Example:
        >>> pool = keras.layers.MaxPooling2D(2, name="pool")
        >>> model = keras.Sequential([keras.Input((4, 4, 3)), pool])
        >>> found = count_elements(model)[id(pool)]
        >>> found.pool_inputs, found.pool_outputs
        (48, 12)
    """
    found: dict[int, Elements] = defaultdict(Elements)
    unpadded: dict[int, Count] = {}  # by the id of a padding layer's output
    for call in calls(model):
        layer = call.operation
        if has_role(layer, "padding"):
            unpadded[id(call.outputs[0])] = _size(call.inputs[0])
        elif isinstance(layer, keras.Layer):
            found[id(layer)] += Elements(**dict(_counted(call, unpadded)))
    return dict(found)


def _counted(call: LayerCall, unpadded: dict[int, Count]) -> Iterator[tuple[str, Count]]:
    layer, out = call.operation, _size(call.outputs[0])
    for role, name in (("convolution", "conv_bias"), ("dense", "dense_bias")):
        if has_role(layer, role) and layer.use_bias:
            yield name, out
    if has_role(layer, "batch_normalisation"):
        yield "norm", out
    if rectifies(layer):
        yield "rectified", out
    if has_role(layer, "pooling"):
        before = call.inputs[0]
        yield "pool_inputs", unpadded.get(id(before), _size(before))
        yield "pool_outputs", out


def _size(tensor: keras.KerasTensor) -> Count:
    """Return a tensor's number of elements for one sample."""
    return None if None in tensor.shape[1:] else math.prod(tensor.shape[1:])
