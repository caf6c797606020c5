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
    axes = [call.place_axis(x) for x in call.args]
    letters = [None if axis is None else term[axis] for axis, term in zip(axes, terms, strict=True)]
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
                    call.read(line, axes[place], place)
            lines[letter] = line
        else:
            call.whole_heads(x)
    return lines


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
