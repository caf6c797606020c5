"""Which positions of a layer's output are looked at, where there are more than are needed."""

from collections.abc import Iterator, Sequence

import numpy as np

from tfprune.reconstruction.forms import Form

PER_COLUMN = 64  # positions per column of a layer's matrix
_NARROW = 64  # a layer of fewer columns is looked at in as many positions as one of these
_CHUNK = 1 << 26  # bytes of columns at a time


def drawn(form: Form, y: np.ndarray, share: float, seed: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield positions of a portion's outputs, int [rows], in order and without repeats.

    Args:
        form: the layer's.
        y: its outputs, [N, ...], or what has their shape.
        share: of all that are looked at, how much falls on one sample.
        seed: of the draw: the caller's, the number of the call and that of the portion, so that
            what is drawn does not depend on who draws, or on what was drawn before.
    """
    rng = np.random.default_rng(seed)
    groups, width, _ = form.matrix().shape
    every = y.shape[0] * form.positions(y)
    wanted = PER_COLUMN * max(width, _NARROW) * share * y.shape[0]
    rows = np.sort(rng.choice(every, min(int(np.ceil(wanted)), every), replace=False))
    chunk = max(1, _CHUNK // (8 * width * groups))
    for start in range(0, len(rows), chunk):
        yield rows[start : start + chunk]
