"""Dense layers: a matrix reads the last axis and makes new channels."""

import math

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._activations import apply_activation
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.Dense, role="dense")
def dense(call: Call) -> Channels:
    """Rule of Dense: kernel [in, out], applied at every position of the other axes."""
    out = call.produce(call.op.units)
    space = call.outputs[0][1:-1]
    times = None if None in space else math.prod(space)
    call.label("kernel", reads={0: call.channels()}, carries={1: out}, times=times)
    if call.has("bias"):
        call.label("bias", carries={0: out})
    call.resize(units=out)
    apply_activation(call, call.op.activation, out)
    return call.output(out)


@rule(layers.Embedding)
def embedding(call: Call) -> Channels:
    """Rule of Embedding: a table [vocabulary, out]; its integer input is pinned."""
    out = call.produce(call.op.output_dim)
    call.label("embeddings", carries={1: out})
    call.resize(output_dim=out)
    call.pin(call.inputs[0], "indices of an embedding")
    return call.output(out)


@rule(layers.EinsumDense)
def einsum_dense(call: Call) -> Channels | list[Channels]:
    """Rule of EinsumDense, for equations whose last output axis is made by the kernel alone.

    The kernel's other axes read the input where they are summed over; an axis that input, kernel
    and output share, and one that the kernel adds before the last, stay whole.
    """
    terms = _terms(call)
    if terms is None:
        return pin_all(call, f"equation {call.op.equation!r} is not understood")
    x, kernel, y = terms
    read = [axis for axis, letter in enumerate(x) if letter in kernel and letter not in y]
    varying = call.inputs[0].varying
    if y[-1] in x or any(axis not in read for axis in varying) or len(varying) > 1:
        return pin_all(call, f"equation {call.op.equation!r} mixes channels and positions")
    out = call.produce(call.outputs[0][-1])
    reads = {kernel.index(x[axis]): call.inputs[0].along(axis) for axis in varying}
    call.label("kernel", reads=reads, carries={kernel.index(y[-1]): out}, times=_times(call, terms))
    if call.has("bias"):
        call.label("bias", carries={-1: out})
    call.edit("output_shape", lambda shape, kept: (*shape[:-1], int(kept[out].sum())))
    apply_activation(call, call.op.activation, out)
    return call.output(out)


def _terms(call: Call) -> tuple[str, str, str] | None:
    """Return the equation's three terms with every axis named; None where it cannot be."""
    left, _, y = call.op.equation.replace(" ", "").partition("->")
    x, _, kernel = left.partition(",")
    missing = "".join(c for c in "ABCDEFGH" if c not in call.op.equation)
    missing = missing[: len(call.outputs[0]) - len(y.replace("...", ""))]
    x, y = x.replace("...", missing), y.replace("...", missing)
    whole = len(x) == len(call.inputs[0].shape) and len(y) == len(call.outputs[0])
    bias = not call.has("bias") or (call.op.bias_axes or "").endswith(y[-1:])
    return (x, kernel, y) if whole and bias and y[-1:] in kernel else None


def _times(call: Call, terms: tuple[str, str, str]) -> int | None:
    x, kernel, _ = terms
    axes = list(zip(x, call.inputs[0].shape, strict=True))[1:]
    outside = [size for letter, size in axes if letter not in kernel]
    return None if None in outside else int(np.prod(outside, dtype=np.int64))
