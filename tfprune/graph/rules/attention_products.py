"""Attention without projections of its own: queries meet keys, values pass."""

import math

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._registry import pin_all, rule


@rule(layers.Attention, layers.AdditiveAttention)
def attention(call: Call) -> Channels | list[Channels]:
    """Rule of Attention and AdditiveAttention, called with [query, value] or [query, value, key].

    Scores are sums over the channels that queries and keys have in common, which are read: in
    every mode a channel that is zero in both adds nothing. The values' channels pass.
    """
    if len(call.outputs) > 1:
        return pin_all(call, "attention scores are returned")
    members = call.args[0]
    query, value, key = members[0], members[1], members[-1]
    line = call.channels(query)
    call.unite(line, call.channels(key))
    additive = type(call.op) is layers.AdditiveAttention
    if additive and call.has("scale"):
        call.label("scale", carries={0: line})
    call.read(line, len(query.shape) - 1)
    if additive or call.op.score_mode == "concat":  # of a product one zero is enough
        call.read(line, len(key.shape) - 1, place=len(members) - 1)
    call.need(line)
    out = call.channels(value)
    pairs = _pairs(query.shape[1:-1], key.shape[1:-1])
    if (not additive and call.op.score_mode == "dot") or (additive and call.op.use_scale):
        call.owner.products.append((pairs, [line]))
    call.owner.products.append((pairs, [out]))
    return call.output(out)


@rule("DotProductAttention")
def dot_product_attention(call: Call) -> Channels | list[Channels]:
    """Rule of `ops.dot_product_attention` on [b, t, heads, size]: whole heads may go.

    Sizes of heads stay, for the scale of the scores is made of them.
    """
    given = call.arguments()
    if not all(isinstance(given[name], Channels) for name in ("query", "key", "value")):
        return pin_all(call, "attention to a constant")
    operands = [given[name] for name in ("query", "key", "value")]
    if len({x.shape[2] for x in operands}) > 1:
        return pin_all(call, "queries and keys have different numbers of heads")
    lines = []
    for x in operands:
        level = call.level(x, [1, 3])
        if set(level.varying) - {2}:
            call.pin(level, "sizes of heads make the scale of the scores")
        lines.append(level.along(2))
    call.unite(*lines)
    for name in ("bias", "mask"):
        _follow(call, given.get(name), lines[0], name)
    query, key, value = operands
    pairs = _pairs(query.shape[1:2], key.shape[1:2])
    size = query.shape[3] + value.shape[3]
    call.owner.products.append((None if pairs is None else pairs * size, [lines[0]]))
    return call.output(lines[2], 2)


def _follow(call: Call, x: object, heads: np.ndarray, name: str) -> None:
    """Let what is added to the scores [b, heads, t, s] have the heads that are left."""
    if isinstance(x, Channels) and x.shape[1] == 1:
        call.pin(x, f"a {name} serves all heads")
    elif isinstance(x, Channels):
        call.unite(heads, call.level(x, [2, 3]).along(1))
    elif x is not None and np.ndim(x) == 4 and np.shape(x)[1] > 1:
        call.pin(heads, f"a constant {name} is given for every head")


def _pairs(queries: tuple[int | None, ...], keys: tuple[int | None, ...]) -> int | None:
    return None if None in (*queries, *keys) else math.prod(queries) * math.prod(keys)
