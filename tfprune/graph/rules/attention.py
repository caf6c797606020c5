"""Attention: what it reads and what it returns may shrink; its heads stay whole."""

from typing import Any

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.MultiHeadAttention)
def multi_head_attention(call: Call) -> Channels | list[Channels]:
    """Rule of MultiHeadAttention: kernels [in, heads, size], output kernel [heads, size, out].

    Heads and their sizes stay, so the scale of the scores is untouched and pruning is exact.
    """
    if len(call.outputs) > 1 or len(np.atleast_1d(call.op._output_shape or 0)) > 1:
        return pin_all(call, "attention scores or an output of several axes are returned")
    arguments = call.arguments()
    query, value = arguments["query"], arguments["value"]
    key = arguments.get("key")
    key = value if key is None else key
    for x in call.inputs:
        if not any(x is tensor for tensor in (query, value, key)):
            call.pin(x, "a mask of the attention")
    for name, x in (("query", query), ("key", key), ("value", value), ("gate", query)):
        dense = getattr(call.op, f"_{name}_dense", None)
        if dense is not None:
            call.inside(dense).label("kernel", reads={0: call.channels(x)}, times=_positions(x))
    out = call.produce(call.outputs[0][-1])
    output = call.inside(call.op._output_dense)
    output.label("kernel", carries={-1: out}, times=_positions(query))
    if output.has("bias"):
        output.label("bias", carries={-1: out})
    call.edit("output_shape", lambda old, kept: _new_width(old, kept[out], kept[query.ids]))
    return call.output(out)


def _new_width(old: Any, out: np.ndarray, query: np.ndarray) -> Any:
    """Return the output's shape, which stays None only where the query's width tells it."""
    if out.all() and (old is not None or query.all()):
        return old
    return (int(out.sum()),)


def _positions(x: Channels) -> int | None:
    count = 1
    for size in x.shape[1:-1]:
        count = None if None in (count, size) else count * size
    return count
