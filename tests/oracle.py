"""What a masked model computes, found by numbers alone: no label and no rule of tfprune is used.

The channels that go leave their layer as NaN, and NaN finds every number that depends on them.
Where a layer with a kernel of its own reads, NaN becomes zero: that is what masking means. A NaN
in an output shows a channel that should not have gone.
"""

from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tfprune.graph.keras_graph import is_graph, replay  # walks through the calls, nothing else

_ATTENTIONS = (layers.MultiHeadAttention, layers.GroupQueryAttention)
_FILMS = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
_RECURRENT = (layers.SimpleRNN, layers.GRU, layers.LSTM, layers.RNN, *_FILMS)
_NORMS = (layers.RMSNormalization, layers.UnitNormalization)
_READERS = (
    layers.Dense, layers.EinsumDense, *_ATTENTIONS, layers.SeparableConv1D,
    layers.SeparableConv2D, layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose,
    layers.Bidirectional, *_RECURRENT, layers.Attention, layers.AdditiveAttention,
)  # fmt: skip
_REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Var", "Std", "Moments")
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_POOLS = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)


def masked_outputs(
    model: keras.Model, keep: Mapping[str, np.ndarray], inputs: Any
) -> list[np.ndarray]:
    """Return the outputs of a model whose removed channels nobody reads.

    Args:
        model: the unpruned model.
        keep: {layer: bool [C], True = kept}; layers within a model by the last part of their name.
        inputs: one batch, nested as the model's inputs.
    """
    masks = {name.rpartition("/")[2]: mask for name, mask in keep.items()}
    masks |= {"/".join(name.split("/")[-2:]): mask for name, mask in keep.items()}

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        if is_graph(operation):
            data = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
            flat = [x for x in keras.tree.flatten([args, data]) if x is not None]
            return replay(operation, flat, call)
        if _reads(operation):
            args, kwargs = keras.tree.map_structure(_zero_for_nan, (args, kwargs))
        outputs = operation(*args, **kwargs)
        if _is_norm(operation):
            outputs = ops.where(ops.isnan(x := args[0]), x, operation(_zero_for_nan(x)))
        elif type(operation).__name__ == "ExtractPatches":
            gone = operation(ops.cast(ops.isnan(args[0]), args[0].dtype))
            outputs = ops.where(gone > 0, np.nan, operation(_zero_for_nan(args[0])))
        elif isinstance(operation, _POOLS):
            outputs = _dead_as_before(args[0], outputs, operation.data_format)
        if isinstance(operation, _ATTENTIONS) and isinstance(outputs, tuple):
            return (_with_nan(operation, outputs[0], masks.get(operation.name)),
                    _scores(outputs[1], masks.get(f"{operation.name}/heads")))  # fmt: skip
        outputs = _with_nan(operation, outputs, masks.get(operation.name))
        return _with_nan_within(outputs, masks.get(f"{operation.name}/size"))

    reset_states(model)
    with _without_own_inputs(model, masks):
        flat = [ops.convert_to_tensor(x) for x in keras.tree.flatten(inputs)]
        outputs = keras.tree.flatten(replay(model, flat, call))
    arrays = [np.asarray(ops.cast(y, "float32"), np.float64) for y in outputs]
    assert not any(np.isnan(y).any() for y in arrays), "a removed channel reaches an output"
    return arrays


def _is_norm(operation: Any) -> bool:
    return type(operation) in _NORMS or type(operation).__name__ == "Normalize"


def _reads(operation: Any) -> bool:
    if isinstance(operation, layers.TimeDistributed | layers.SpectralNormalization):
        return _reads(operation.layer)
    if type(operation) in _CONVOLUTIONS:  # with one channel a group, each channel stays apart
        return operation.groups == 1 or operation.kernel.shape[-2] > 1
    if type(operation).__name__ == "Pad":
        return any(operation.pad_width[-1])
    if type(operation).__name__ in _REDUCTIONS:  # over the channels at the end
        rank = len(operation._inbound_nodes[0].input_tensors[0].shape)
        axes = operation.axes if type(operation).__name__ == "Moments" else operation.axis
        axes = range(rank) if axes is None else np.atleast_1d(axes).tolist()
        return rank - 1 in [axis % rank for axis in axes]
    if type(operation).__name__ in ("Matmul", "Einsum", "Dot"):
        return True
    return type(operation) in _READERS


def _zero_for_nan(x: Any) -> Any:
    if not ops.is_tensor(x) or "float" not in keras.backend.standardize_dtype(x.dtype):
        return x
    return _with_mask_of(x, ops.where(ops.isnan(x), ops.zeros_like(x), x))


def _dead_as_before(x: Any, y: Any, data_format: str) -> Any:
    """A maximum passes NaN over: for the lowest number, or for the zeros of a padded border."""
    axis = 1 if data_format == "channels_first" else len(x.shape) - 1
    space = [a for a in range(1, len(x.shape)) if a != axis]
    return ops.where(ops.any(ops.isnan(x), axis=space, keepdims=True), np.nan, y)


def _scores(scores: Any, mask: np.ndarray | None) -> Any:
    """Scores [batch, heads, query, key]; a mask of the groups of queries that share a key."""
    if mask is None:
        return scores
    mask = np.repeat(mask, scores.shape[1] // len(mask))
    return ops.where(mask[:, None, None], scores, np.nan)


def _with_mask_of(x: Any, y: Any) -> Any:
    y._keras_mask = getattr(x, "_keras_mask", None)  # of steps; attention asks the tensor for it
    return y


def _with_nan(operation: Any, outputs: Any, mask: np.ndarray | None) -> Any:
    if mask is None:
        return outputs
    inner = getattr(operation, "layer", operation)
    axis = 1 if getattr(inner, "data_format", None) == "channels_first" else -1
    if isinstance(operation, layers.EinsumDense):  # the first axis that the kernel makes
        x, kernel, y = operation.equation.replace("->", ",").split(",")
        axis = next(i for i, k in enumerate(y) if k in kernel and k not in x) - len(y)

    def masked(y: Any) -> Any:
        line = np.tile(mask, y.shape[axis] // len(mask))  # both directions of a Bidirectional
        line = line.reshape([-1 if a == axis % len(y.shape) else 1 for a in range(len(y.shape))])
        return _with_mask_of(y, ops.where(line, y, ops.cast(np.nan, y.dtype)))

    return keras.tree.map_structure(masked, outputs)


def _with_nan_within(outputs: Any, mask: np.ndarray | None) -> Any:
    """Places lie along the last axis of an EinsumDense, and within each head along a Dense's."""
    if mask is None:
        return outputs
    return ops.where(np.tile(mask, outputs.shape[-1] // len(mask)), outputs, np.nan)


@contextmanager
def _without_own_inputs(model: keras.Model, masks: Mapping[str, np.ndarray]):
    """Let the removed units of recurrent layers, and removed heads, be read by nothing within."""
    before = []
    for layer in _all_layers(model):
        for weight, mask in _within_heads(layer, masks):
            before.insert(0, (weight, weight.numpy()))  # the same weight twice: the first is whole
            weight.assign(weight.numpy() * mask)
        ways = [getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", None)]
        for way in ways:
            if isinstance(way, _RECURRENT):
                for kernel, mask in _inner_kernels(way, layer.name, masks):
                    before.append((kernel, kernel.numpy()))
                    kernel.assign(kernel.numpy() * mask[:, None])
    try:
        yield
    finally:
        for kernel, value in before:
            kernel.assign(value)


def _within_heads(layer: Any, masks: Mapping[str, np.ndarray]):
    """Yield the weights of an attention that read heads, or places within them, with the mask."""
    if not isinstance(layer, _ATTENTIONS):
        return
    output, query = layer._output_dense.kernel, layer._query_dense
    if (mask := masks.get(f"{layer.name}/heads")) is not None:
        mask = np.repeat(mask, output.shape[0] // len(mask))  # queries that share a key
        yield output, mask[:, None, None]
    for name in ("value_dim", "head_dim"):
        if (mask := masks.get(f"{layer.name}/{name}")) is not None:
            yield output, mask[:, None]
    for name in ("key_dim", "head_dim"):
        if (mask := masks.get(f"{layer.name}/{name}")) is not None:
            yield from ((weight, mask) for weight in query.weights)


def _inner_kernels(way: Any, name: str, masks: Mapping[str, np.ndarray]):
    """Yield the kernels [..., units, gates] that read units within a layer, with the mask."""
    cells = getattr(way.cell, "cells", [way.cell])
    own = [masks.get(f"{name}/cell_{i}") for i in range(len(cells) - 1)] + [masks.get(name)]
    kernels = [(getattr(cell, "recurrent_kernel", None), mask)
               for cell, mask in zip(cells, own, strict=True)]  # fmt: skip
    kernels += [(cell.kernel, mask) for cell, mask in zip(cells[1:], own, strict=False)]
    yield from ((kernel, mask) for kernel, mask in kernels if mask is not None)


def reset_states(model: keras.Model) -> None:
    """Let stateful layers forget what they have seen."""
    for layer in _all_layers(model):
        if getattr(layer, "stateful", False):
            layer.reset_state()


def _all_layers(model: keras.Model) -> list[layers.Layer]:
    nested = [_all_layers(x) if isinstance(x, keras.Model) else [x] for x in model.layers]
    return [layer for part in nested for layer in part]
