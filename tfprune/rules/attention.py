"""Attention: what it reads and what it returns may shrink; its heads stay whole."""

from keras import layers

from tfprune.channels import Channels
from tfprune.rules._registry import pin_all, rule
from tfprune.trace import Call


@rule(layers.MultiHeadAttention)
def multi_head_attention(call: Call) -> Channels | list[Channels]:
    """Rule of MultiHeadAttention: kernels [in, heads, size], output kernel [heads, size, out].

    Heads and their sizes stay, so the scale of the scores is untouched and pruning is exact.
    """
    if len(call.outputs) > 1 or isinstance(call.op._output_shape, tuple | list):
        return pin_all(call, "attention scores or an output of several axes are returned")
    tensors = [x for x in call.args if isinstance(x, Channels)]
    tensors += [
        call.kwargs[k] for k in ("value", "key") if isinstance(call.kwargs.get(k), Channels)
    ]
    query, value = tensors[:2]
    key = tensors[2] if len(tensors) > 2 else value
    for name, x in (("query", query), ("key", key), ("value", value), ("gate", query)):
        dense = getattr(call.op, f"_{name}_dense", None)
        if dense is not None:
            call.inside(dense).label("kernel", reads={0: call.channels(x)}, times=_positions(x))
    out = call.produce(call.outputs[0][-1])
    output = call.inside(call.op._output_dense)
    output.label("kernel", carries={-1: out}, times=_positions(query))
    if output.has("bias"):
        output.label("bias", carries={-1: out})
    call.edit("output_shape", lambda _, kept: int(kept[out].sum()))
    return call.output(out)


def _positions(x: Channels) -> int | None:
    count = 1
    for size in x.shape[1:-1]:
        count = None if None in (count, size) else count * size
    return count
