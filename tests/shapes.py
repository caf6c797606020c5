"""Models of which only names and shapes are wanted."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras.src.backend.common import global_state

_WAITING = "uninitialized_variables"


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build models within whose variables get no values.

    Keras remembers these variables and makes the values of all of them in the next scope that
    ends, wherever that is: seven gigabytes in a test of FGP.
    """
    before = list(global_state.get_global_attribute(_WAITING) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(_WAITING, before)
