"""Dense layers: a matrix reads the last axis and makes new channels."""

import math
from collections.abc import Mapping
from typing import Any

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


@rule(*filter(None, [getattr(layers, "ReversibleEmbedding", None)]))
def reversible_embedding(call: Call) -> Channels | list[Channels]:
    """Rule of ReversibleEmbedding: a table that makes channels, and reads them when reversed."""
    out = call.produce(call.op.output_dim)
    call.label("embeddings", carries={1: out})
    call.resize(output_dim=out)
    if not call.arguments().get("reverse", False):
        call.pin(call.inputs[0], "indices of an embedding")
        return call.output(out)
    if call.has("reverse_embeddings"):
        call.label("reverse_embeddings", carries={0: out})
    line = call.channels()
    call.unite(out, line)
    call.read(line, len(call.inputs[0].shape) - 1)
    positions = call.inputs[0].shape[1:-1]
    fixed = None if None in positions else math.prod(positions) * call.op.input_dim
    call.owner.products.append((fixed, [out]))
    return call.output(call.ghosts(call.outputs[0][-1]))


@rule(layers.EinsumDense, role="projection")
def einsum_dense(call: Call) -> Channels | list[Channels]:
    """Rule of EinsumDense: what each axis does to the channels is said by where its letter stands.

    In input and kernel alone, the kernel reads them; in the output too, they pass. In kernel and
    output alone, the kernel makes them: where it makes several axes, as in [heads, size], the
    first one's places are the channels, which are whole heads; of two the second one's are the
    places within the heads.
    """
    terms = _terms(call)
    if terms is None:
        return pin_all(call, f"equation {call.op.equation!r} is not understood")
    given, kernel, y = terms
    inner = call.place_axis(call.inputs[0])
    read_within = inner is not None and given[inner] in kernel and given[inner] not in y
    x = call.whole_heads(call.inputs[0], known=read_within)
    if any(given[axis] not in kernel + y for axis in x.varying):
        return pin_all(call, f"equation {call.op.equation!r} adds channels up")
    read = [axis for axis in x.varying if given[axis] not in y]
    passing = [axis for axis in x.varying if given[axis] in y]
    x = call.level(x, read if passing else read[1:])
    made = [letter for letter in y if letter in kernel and letter not in given]
    lines = {given[axis]: x.along(axis) for axis in passing}
    if not passing and made:
        lines = {made[0]: call.produce(call.outputs[0][y.index(made[0])])}
    if not passing and len(made) == 2:
        lines[made[1]] = _within(call, call.outputs[0][y.index(made[1])])
    reads = {} if passing else {kernel.index(given[axis]): x.along(axis) for axis in read[:1]}
    if read_within:
        reads[kernel.index(given[inner])] = call.places(call.inputs[0])
    carries = {kernel.index(k): ids for k, ids in lines.items() if k in kernel}
    alone = {letter: ids for letter, ids in lines.items() if letter not in kernel}
    _label(call, terms, reads, carries, alone)
    _follow(call, lines, y)
    out = _placed(call, x, terms, lines, passing=bool(passing))
    apply_activation(call, call.op.activation, out.ids)
    return out


def _within(call: Call, size: int) -> np.ndarray:
    """Return the ids of the places within the heads that a kernel makes."""
    places = call.produce_inside("size", size, on_request=True)
    call.trace.grids.lines.append(places)
    return places


def _follow(call: Call, lines: dict[str, np.ndarray], y: str) -> None:
    """Let the bias and the written output shape follow the channels."""
    axes = call.op.bias_axes or ""
    if call.has("bias"):
        # From the end: a bias has a 1 for each axis behind its first that it does not follow.
        carried = {y.index(k) - len(y): ids for k, ids in lines.items() if k in axes}
        call.label("bias", carries=carried)

    def shape(old: Any, kept: np.ndarray) -> tuple:
        new = [old] if isinstance(old, int) else list(old)
        first = len(y) - len(new)
        for letter, ids in lines.items():
            place = y.index(letter) - first
            if place >= 0 and new[place] is not None:
                new[place] = int(kept[ids].sum())
        return tuple(new)

    call.edit("output_shape", shape)


def _placed(
    call: Call, x: Channels, terms: tuple[str, str, str], lines: dict[str, np.ndarray], *,
    passing: bool,
) -> Channels:  # fmt: skip
    """Return the output's channels: those that pass, or those that are made."""
    given, _, y = terms
    if not lines:
        return Channels(call.ghosts(1).reshape([1] * len(y)), tuple(call.outputs[0]))
    if not passing:
        found = [call.output(ids, y.index(letter)) for letter, ids in lines.items()]
        grid = len(found) == 2
        return Channels(call.heads(*(z.ids for z in found)), found[0].shape) if grid else found[0]
    kept = [letter for letter in given if letter in y]
    ids = x.ids[tuple(slice(None) if letter in y else 0 for letter in given)]
    ids = ids.transpose([kept.index(letter) for letter in y if letter in kept])
    places = [axis for axis, letter in enumerate(y) if letter not in kept]
    return Channels(np.expand_dims(ids, places), tuple(call.outputs[0]))


def _terms(call: Call) -> tuple[str, str, str] | None:
    """Return the equation's three terms with every axis named; None where it cannot be."""
    left, _, y = call.op.equation.replace(" ", "").partition("->")
    x, _, kernel = left.partition(",")
    missing = "".join(c for c in "ABCDEFGH" if c not in call.op.equation)
    missing = missing[: len(call.outputs[0]) - len(y.replace("...", ""))]
    x, y = x.replace("...", missing), y.replace("...", missing)
    whole = len(x) == len(call.inputs[0].shape) and len(y) == len(call.outputs[0])
    return (x, kernel, y) if whole and "." not in (call.op.bias_axes or "") else None


def _label(
    call: Call,
    terms: tuple[str, str, str],
    reads: Mapping[int, np.ndarray],
    carries: Mapping[int, np.ndarray],
    alone: Mapping[str, np.ndarray],
) -> None:
    """Label the kernel; its entries multiply once for each channel of axes that it has not."""
    times = _times(call, terms, alone)
    call.label("kernel", reads=reads, carries=carries, times=0 if alone else times)
    if alone:
        axes = {**reads, **carries}
        rest = math.prod(n for axis, n in enumerate(call.op.kernel.shape) if axis not in axes)
        fixed = None if times is None else times * rest
        call.owner.products.append((fixed, [*alone.values(), *axes.values()]))


def _times(call: Call, terms: tuple[str, str, str], alone: Mapping[str, np.ndarray]) -> int | None:
    x, kernel, _ = terms
    axes = list(zip(x, call.inputs[0].shape, strict=True))[1:]
    outside = [size for letter, size in axes if letter not in kernel and letter not in alone]
    return None if None in outside else math.prod(outside)
