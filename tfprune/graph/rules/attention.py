"""Attention: what it reads, its heads, their sizes and what it returns may shrink."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels, spread
from tfprune.graph.keras_private import attention_axes, has_output_shape, output_shape, projections
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.MultiHeadAttention, role="attention")
def multi_head_attention(call: Call) -> Channels | list[Channels]:
    """Rule of MultiHeadAttention: kernels [in, heads, size], output kernel [heads, size, out].

    Within the heads the same places go in every one: of queries and keys (`key_dim`), and of the
    values (`value_dim`).
    """
    if (refusal := _refusal(call)) is not None:
        return pin_all(call, refusal)
    heads = call.produce_inside("heads", call.op.num_heads)
    keys, values = _size(call, "key_dim", "key"), _size(call, "value_dim", "value")
    call.resize(num_heads=heads, key_dim=keys, value_dim=values)
    sizes = {"query": keys, "key": keys, "value": values, "gate": values}
    return _attention(call, {name: (heads, size) for name, size in sizes.items()})


@rule(layers.GroupQueryAttention, role="attention")
def grouped_query_attention(call: Call) -> Channels | list[Channels]:
    """Rule of GroupQueryAttention: a head of keys and values goes with all queries it serves.

    Queries, keys and values have one size, so that they lose the same places.
    """
    if (refusal := _refusal(call)) is not None:
        return pin_all(call, refusal)
    groups = call.produce_inside("heads", call.op.num_key_value_heads)
    queries = np.repeat(groups, call.op.num_query_heads // len(groups))
    size = _size(call, "head_dim", "key")
    call.resize(num_key_value_heads=groups, num_query_heads=queries, head_dim=size)
    heads = {"query": queries, "gate": queries, "key": groups, "value": groups}
    return _attention(call, {name: (line, size) for name, line in heads.items()})


def _size(call: Call, name: str, of: str) -> np.ndarray:
    """Return the ids of the places within the heads of queries, keys or values."""
    return call.produce_inside(name, projections(call.op)[of].kernel.shape[-1], on_request=True)


def _refusal(call: Call) -> str | None:
    if len(np.atleast_1d(output_shape(call.op) or 0)) > 1:
        return "an output of several axes is returned"
    return None


def _attention(call: Call, inner: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> list[Channels]:
    """Label all kernels.

    Args:
        call: the call.
        inner: {projection: ids of its heads, ids of the places within them}.
    """
    arguments = call.arguments()
    query, value = arguments["query"], arguments["value"]
    key = arguments.get("key")
    key = value if key is None else key
    for x in call.inputs:
        if not any(x is tensor for tensor in (query, value, key)):
            call.pin(x, "a mask of the attention")
    for name, x in (("query", query), ("key", key), ("value", value), ("gate", query)):
        _project(call, name, x, inner[name])
    (heads, keys), (_, values) = inner["query"], inner["value"]
    _keep_scale(call, keys)
    _count(call, query, key, [(heads, keys), (heads, values)])
    out = call.produce(call.outputs[0][-1])
    output = call.inside(projections(call.op)["output"])
    reads = {0: heads, 1: values}
    output.label("kernel", reads=reads, carries={-1: out}, times=_positions(query))
    if output.has("bias"):
        output.label("bias", carries={-1: out})
    if has_output_shape(call.op):
        call.edit("output_shape", lambda old, kept: _new_width(old, kept[out], kept[query.ids]))
    else:  # as wide as the queries
        call.unite(out, call.channels(query))
    scores = [spread(heads, 1, shape) for shape in call.outputs[1:]]
    return [call.output(out), *scores]


def _project(call: Call, name: str, x: Channels, inner: tuple[np.ndarray, np.ndarray]) -> None:
    dense = projections(call.op).get(name)
    if dense is None:
        return
    (heads, size), layer = inner, call.inside(dense)
    # Nothing but the product with the keys reads queries: zeros there are zeros in the product.
    known = "reads" if name == "query" else "carries"
    axes: dict[str, dict[int, np.ndarray]] = {"reads": {0: call.channels(x)}, "carries": {1: heads}}
    axes[known][2] = size
    layer.label("kernel", **axes, times=_positions(x))
    if layer.has("bias"):
        bias: dict[str, dict[int, np.ndarray]] = {"reads": {}, "carries": {0: heads}}
        bias[known][1] = size
        layer.label("bias", **bias)


def _keep_scale(call: Call, keys: np.ndarray) -> None:
    """Let queries make up for a scale of the scores, 1 / sqrt(key_dim), that grows."""
    query = call.inside(projections(call.op)["query"])
    for name in filter(query.has, ("kernel", "bias")):
        query.factor(name, lambda kept: float(kept[keys].mean()) ** 0.5)


def _count(
    call: Call, query: Channels, key: Channels, products: Sequence[tuple[np.ndarray, np.ndarray]]
) -> None:
    """Count the products of queries with keys, and of scores with values."""
    axes = attention_axes(call.op) or range(1, len(query.shape) - 1)
    alone = [n for axis, n in enumerate(query.shape[:-1]) if axis and axis not in axes]
    sizes = [_positions(query), _positions(key), *alone]
    known = None not in sizes
    fixed = math.prod(sizes[:2]) // math.prod(alone) if known else None
    call.owner.products += [(fixed, list(lines)) for lines in products]


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
