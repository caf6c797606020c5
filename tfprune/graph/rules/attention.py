"""Attention: what it reads, its heads, and what it returns may shrink; scores are of the heads."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.keras_private import attention_axes, has_output_shape, output_shape, projections
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.MultiHeadAttention)
def multi_head_attention(call: Call) -> Channels | list[Channels]:
    """Rule of MultiHeadAttention: kernels [in, heads, size], output kernel [heads, size, out].

    Sizes of heads stay, so the scale of the scores is untouched and pruning is exact.
    """
    if (refusal := _refusal(call)) is not None:
        return pin_all(call, refusal)
    heads = call.produce_inside("heads", call.op.num_heads)
    call.resize(num_heads=heads)
    return _attention(call, dict.fromkeys(("query", "key", "value", "gate"), heads))


@rule(layers.GroupQueryAttention)
def grouped_query_attention(call: Call) -> Channels | list[Channels]:
    """Rule of GroupQueryAttention: a head of keys and values goes with all queries it serves."""
    if (refusal := _refusal(call)) is not None:
        return pin_all(call, refusal)
    groups = call.produce_inside("heads", call.op.num_key_value_heads)
    queries = np.repeat(groups, call.op.num_query_heads // len(groups))
    call.resize(num_key_value_heads=groups, num_query_heads=queries)
    return _attention(call, {"query": queries, "gate": queries, "key": groups, "value": groups})


def _refusal(call: Call) -> str | None:
    if len(np.atleast_1d(output_shape(call.op) or 0)) > 1:
        return "an output of several axes is returned"
    return None


def _attention(call: Call, heads: Mapping[str, np.ndarray]) -> list[Channels]:
    arguments = call.arguments()
    query, value = arguments["query"], arguments["value"]
    key = arguments.get("key")
    key = value if key is None else key
    for x in call.inputs:
        if not any(x is tensor for tensor in (query, value, key)):
            call.pin(x, "a mask of the attention")
    for name, x in (("query", query), ("key", key), ("value", value), ("gate", query)):
        _project(call, name, x, heads[name])
    _count(call, query, key, heads["query"])
    out = call.produce(call.outputs[0][-1])
    output = call.inside(projections(call.op)["output"])
    carries = {-1: out}
    output.label("kernel", reads={0: heads["query"]}, carries=carries, times=_positions(query))
    if output.has("bias"):
        output.label("bias", carries={-1: out})
    if has_output_shape(call.op):
        call.edit("output_shape", lambda old, kept: _new_width(old, kept[out], kept[query.ids]))
    else:  # as wide as the queries
        call.unite(out, call.channels(query))
    scores = [spread(heads["query"], 1, shape) for shape in call.outputs[1:]]
    return [call.output(out), *scores]


def _project(call: Call, name: str, x: Channels, heads: np.ndarray) -> None:
    dense = projections(call.op).get(name)
    if dense is None:
        return
    inner = call.inside(dense)
    reads = {0: call.channels(x)}
    inner.label("kernel", reads=reads, carries={1: heads}, times=_positions(x))
    if inner.has("bias"):
        inner.label("bias", carries={0: heads})


def _count(call: Call, query: Channels, key: Channels, heads: np.ndarray) -> None:
    """Count the products of queries with keys, and of scores with values."""
    kernels = [projections(call.op)[name].kernel for name in ("query", "value")]
    size = sum(kernel.shape[-1] for kernel in kernels)
    axes = attention_axes(call.op) or range(1, len(query.shape) - 1)
    alone = [n for axis, n in enumerate(query.shape[:-1]) if axis and axis not in axes]
    sizes = [_positions(query), _positions(key), *alone]
    known = None not in sizes
    fixed = math.prod(sizes[:2]) // math.prod(alone) * size if known else None
    call.owner.products.append((fixed, [heads]))


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
