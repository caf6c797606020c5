"""Places within heads in products of two tensors: read where they are summed over, else passed."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Channels


def places_that_may_go(
    call: Call, terms: Sequence[str], out: str, *, both: bool
) -> dict[str, np.ndarray]:
    """Return the places within heads that may go, by the letters of their axes.

    Those that are summed over are read: queries and keys lose the same. Those that one operand has
    alone pass, as of values.
    """
    _part(call, terms, out)
    letters = [_known(call, x, term) for x, term in zip(call.args, terms, strict=True)]
    lines: dict[str, np.ndarray] = {}
    for place, (x, letter) in enumerate(zip(call.args, letters, strict=True)):
        if letter is None:
            continue
        alone = letter not in terms[1 - place]
        if (letter in out and alone) or (letter not in out and letters[1 - place] == letter):
            line = call.places(x)
            if not alone:
                call.trace.grids.columns.append((line, lines.setdefault(letter, line)))
                if place == 0 or both:
                    call.read(line, terms[place].index(letter), place)
            lines[letter] = line
        else:
            call.whole_heads(x)
    return lines


def _part(call: Call, terms: Sequence[str], out: str) -> None:
    """Tell heads and the places within them in what a Dense layer made and a reshape parted.

    Places are summed over by both operands, or passed on by one that has them alone; heads are
    what the output has, too, at least one axis of them with both operands.
    """
    found = [_place_letter(x, term, other, out) for x, term, other in
             zip(call.args, terms, reversed(terms), strict=True)]  # fmt: skip
    both = found[0] == found[1]
    for x, term, other, letter, met in zip(
        call.args, terms, reversed(call.args), found, reversed(terms), strict=True
    ):
        if letter and (both or letter not in met or _known(call, other, met) == letter):
            call.part(x, term.index(letter))


def _known(call: Call, x: Channels, term: str) -> str | None:
    axis = call.place_axis(x)
    return None if axis is None else term[axis]


def _place_letter(x: Channels, term: str, other: str, out: str) -> str | None:
    """Return the letter of the axis along which the places within a tensor's heads may lie."""
    letters = [term[axis] for axis in x.varying]
    summed = [letter for letter in letters if letter in other and letter not in out]
    alone = [letter for letter in letters if letter not in other and letter in out]
    shared = [letter for letter in letters if letter in other and letter in out]
    places = summed or alone
    if len(places) != 1 or not shared or x.rounds or len(np.unique(x.ids)) < x.ids.size:
        return None
    return places[0]


def parted(
    call: Call, joined: Channels | list[Channels], out: str, within: Mapping[str, np.ndarray]
) -> Channels | list[Channels]:
    """Return a product's channels, parted again into the places within the heads that pass."""
    passing = [letter for letter in within if letter in out]
    alone = len(passing) == 1 and isinstance(joined, Channels)
    if not alone or out.index(passing[0]) in joined.varying:
        for letter in passing:
            call.trace.grids.pin(within[letter], call.owner.name, call.op)
        return joined
    places = call.output(within[passing[0]], out.index(passing[0]))
    return Channels(call.heads(joined.ids, places.ids), joined.shape)
