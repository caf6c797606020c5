"""Which open lengths of a model's inputs belong together, as those of tokens and their mask do.

An encoder's text may be of another length than the decoder's. A model does not say which of its
inputs are alike, so it is run: what does not fail on two different lengths leaves them apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import keras

from tfprune.graph.opening.checking import drawn, outputs_of
from tfprune.graph.opening.model_inputs import ModelInputs

_SIDES = 4, 3  # two lengths that any table of positions holds
_MOST = 6  # inputs of an open length that are told apart: 31 pairs of halves


def with_lengths(model: keras.Model, signature: ModelInputs) -> ModelInputs:
    """Return what a model takes, with the inputs told apart whose lengths need not be equal.

    Args:
        model: the model; it is run on small random inputs.
        signature: what it takes.
    """
    opened = [i for i, x in enumerate(signature.flat) if None in x.shape[1:] and len(x.shape) < 4]
    if not 1 < len(opened) <= _MOST or not _runs(model, signature, (0,) * len(signature.flat)):
        return signature
    keys: list[tuple[int, ...]] = [()] * len(signature.flat)
    for halves in _halves(len(signature.flat), opened):
        if _runs(model, signature, halves):
            keys = [(*key, half) for key, half in zip(keys, halves, strict=True)]
    known = list(dict.fromkeys(keys[i] for i in opened))
    groups = (known.index(key) if i in opened else 0 for i, key in enumerate(keys))
    return replace(signature, groups=tuple(groups))


def _halves(count: int, opened: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield all ways to part the inputs of open lengths in two, as 0 or 1 for each input."""
    for bits in product((0, 1), repeat=len(opened) - 1):
        if any(bits):
            chosen = {i for i, bit in zip(opened[1:], bits, strict=True) if bit}
            yield tuple(int(i in chosen) for i in range(count))


def _runs(model: keras.Model, signature: ModelInputs, halves: tuple[int, ...]) -> bool:
    """Return whether a model takes one length for some of its inputs and another for the rest."""
    inputs = drawn(model, signature, 2, [_SIDES[half] for half in halves])
    try:
        outputs_of(model, *signature.arguments(signature.nested(inputs)))
    except Exception:  # whatever it says of lengths that do not fit
        return False
    return True
