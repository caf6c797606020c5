"""Products of two tensors: channels that are multiplied go together, those summed over are read."""

from collections.abc import Mapping, Sequence

import numpy as np
from keras import layers

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels
from tfprune.graph.rules._places import parted, places_that_may_go
from tfprune.graph.rules._registry import pin_all, rule

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@rule("Matmul")
def matmul(call: Call) -> Channels | list[Channels]:
    """Rule of matmul: the last axis of the one is summed with the last but one of the other."""
    ranks = [len(np.shape(x) if not isinstance(x, Channels) else x.shape) for x in call.args]
    if min(ranks) < 2:
        return pin_all(call, "a vector is multiplied")
    outer = _LETTERS[: max(ranks) - 2]
    terms = [outer[len(outer) - rank + 2 :] for rank in ranks]
    return product(call, [f"{terms[0]}nk", f"{terms[1]}km"], f"{outer}nm")


@rule("Einsum")
def einsum(call: Call) -> Channels | list[Channels]:
    """Rule of einsum, for equations of two operands whose axes are all named once."""
    equation = call.op.subscripts.replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if not arrow or "." in equation or any(len(set(x)) < len(x) for x in (*terms, out)):
        return pin_all(call, f"equation {call.op.subscripts!r} is not understood")
    return product(call, terms, out)


@rule(layers.Dot)
def dot(call: Call) -> Channels | list[Channels]:
    """Rule of Dot: one axis of each is summed over; a norm sees zeros for what is gone of it."""
    ranks = [len(x.shape) for x in call.inputs]
    if len(call.inputs) != 2:
        return pin_all(call, "Dot of more than two tensors")
    axes = call.op.axes if isinstance(call.op.axes, list | tuple) else [call.op.axes] * 2
    terms = [list(_LETTERS[1 : ranks[0]]), list(_LETTERS[ranks[0] : ranks[0] + ranks[1] - 1])]
    for term, axis, rank in zip(terms, axes, ranks, strict=True):
        term.insert(0, "A")
        term[axis % rank] = "Z"
    out = [letter for letter in terms[0] + terms[1][1:] if letter != "Z"]
    out += "Y" * (len(call.outputs[0]) - len(out))  # two vectors leave an axis of one number
    call.args = tuple(call.inputs)
    return product(call, ["".join(term) for term in terms], "".join(out), both=call.op.normalize)


def product(
    call: Call, terms: Sequence[str], out: str, *, both: bool = False
) -> Channels | list[Channels]:
    """Return the channels of a sum of products, each axis named by a letter.

    Heads are what this is about: in queries [b, t, h, s] and keys [b, u, h, s], summed over s,
    whole heads may go. Where the channels lie along summed axes alone, they are read, as by a
    kernel; elsewhere those that meet are united.

    Args:
        call: the call; its arguments are the operands.
        terms: the letters of each operand's axes.
        out: those of the output.
        both: whether both operands must be read as zero, as where each is divided by its norm; of
            a product one zero is enough.
    """
    if len(call.args) != 2 or not all(isinstance(x, Channels) for x in call.args):
        return pin_all(call, f"{type(call.op).__name__} of a constant, or not of two tensors")
    summed = {letter for term in terms for letter in term} - set(out)
    within = places_that_may_go(call, terms, out, both=both)
    operands = []
    heads = [call.whole_heads(x, known=True) for x in call.args]
    for x, term in zip(heads, terms, strict=True):
        operands.append(call.level(x, [term.index(letter) for letter in summed & set(term)]))
    _count(call, operands, terms, within)
    lines = [_summed_line(x, term, summed) for x, term in zip(operands, terms, strict=True)]
    if any(line is not None for line in lines):
        refusal = _read(call, operands, terms, lines, both=both)
        if refusal is not None:
            return pin_all(call, refusal)
    return parted(call, _joined(call, operands, terms, out), out, within)


def _summed_line(x: Channels, term: str, summed: set[str]) -> str | None:
    """Return the letter of the summed axis along which the channels lie, if they do."""
    found = [term[axis] for axis in x.varying if term[axis] in summed]
    return "".join(found) or None


def _read(
    call: Call,
    operands: Sequence[Channels],
    terms: Sequence[str],
    lines: Sequence[str | None],
    *,
    both: bool,
) -> str | None:
    """Let channels that are summed over be read; return why they cannot be."""
    letters = {line for line in lines if line is not None}
    letter = next(iter(letters))
    if len(letters) > 1 or len(letter) > 1:
        return f"{type(call.op).__name__} sums over channels along several axes"
    if None in lines:  # what is left of the other operand may go all the same
        why = f"{type(call.op).__name__} adds up channels that the other operand has not"
        call.pin(operands[0 if lines[1] is None else 1], why)
        return None
    along = [x.along(term.index(letter)) for x, term in zip(operands, terms, strict=True)]
    call.unite(*along)
    for place in (0, 1) if both else (0,):
        call.read(along[place], terms[place].index(letter), place)
    call.need(along[0])
    return None


def _joined(
    call: Call, operands: Sequence[Channels], terms: Sequence[str], out: str
) -> Channels | list[Channels]:
    """Return what is left of the operands' channels, united where they meet."""
    members: list[tuple[set[str], np.ndarray]] = []
    owned: list[set[str]] = []  # not those along which it is broadcast
    for x, term in zip(operands, terms, strict=True):
        kept = {letter: term.index(letter) for letter in term if letter in out}
        varying = {letter for letter, axis in kept.items() if axis in x.varying}
        members.append((varying, _placed(x, kept, out)))
        owned.append({letter for axis, letter in enumerate(term) if x.shape[axis] != 1})
    spans = [varying for varying, _ in members]
    if not any(spans):
        return Channels(call.ghosts(1).reshape([1] * len(out)), tuple(call.outputs[0]))
    if spans[0].isdisjoint(spans[1]) and all(spans):  # heads, of which all share one value
        stays = max((0, 1), key=lambda place: min(map(out.index, spans[place])))
        call.pin(operands[stays], "every channel of the other operand meets all of these")
        members[stays] = set(), members[stays][1]
    elif not (spans[0] <= spans[1] or spans[1] <= spans[0]):
        return pin_all(call, f"{type(call.op).__name__} crosses channels with others")
    wide = max(members, key=lambda member: len(member[0]))
    for (_, ids), letters in zip(members, owned, strict=True):
        if letters & wide[0]:  # it has these axes too, be they all of one channel
            call.unite(*np.broadcast_arrays(wide[1], ids))
    return Channels(wide[1], tuple(call.outputs[0]))


def _placed(x: Channels, kept: Mapping[str, int], out: str) -> np.ndarray:
    """Return an operand's ids with one axis for each of the output's."""
    index = tuple(slice(None) if axis in kept.values() else 0 for axis in range(x.ids.ndim))
    order = [letter for letter, _ in sorted(kept.items(), key=lambda item: item[1])]
    ids = x.ids[index].transpose([order.index(letter) for letter in out if letter in order])
    shape = [_length(ids, order, letter, out) for letter in out]
    return ids.reshape(shape)


def _length(ids: np.ndarray, order: Sequence[str], letter: str, out: str) -> int:
    """Return how long the ids are along a letter's axis; 1 where the operand has none."""
    present = [x for x in out if x in order]
    return ids.shape[present.index(letter)] if letter in present else 1


def _count(
    call: Call,
    operands: Sequence[Channels],
    terms: Sequence[str],
    within: Mapping[str, np.ndarray],
) -> None:
    """Count the multiplications: one for each combination of places, but for the samples."""
    sizes: dict[str, int | None] = {}
    lines = dict(within)
    # The widest first: where heads lie along two axes, groups and queries, they count together.
    for x, term in sorted(zip(operands, terms, strict=True), key=lambda o: -len(o[0].varying)):
        for axis, letter in enumerate(term):
            sizes[letter] = x.shape[axis] if sizes.get(letter) in (None, 1) else sizes[letter]
        found = "".join(term[axis] for axis in x.varying)
        if found and not any(set(found) & set(known) for known in lines):
            lines[found] = x.ids.ravel() if len(found) > 1 else x.along(x.varying[0])
    samples = {term[0] for term, x in zip(terms, operands, strict=True) if x.shape[0] is None}
    counted = {letter for known in lines for letter in known}
    fixed: int | None = 1
    for letter, size in sizes.items():
        if letter not in counted | samples:
            fixed = None if None in (fixed, size) else fixed * size
    call.owner.products.append((fixed, list(lines.values())))
