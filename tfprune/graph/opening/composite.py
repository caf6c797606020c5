"""Which layers are opened, and which stay as they are."""

from typing import Any

import keras

from tfprune.graph.opening.steps import is_stepped
from tfprune.graph.rules import has_rule


def is_composite(operation: Any) -> bool:
    """Return whether a layer is to be opened: it is no stock layer, and no rule describes it.

    A TimeDistributed is what its inner layer is.
    """
    if is_stepped(operation):
        return isinstance(operation.layer, keras.Model) or is_composite(operation.layer)
    if not isinstance(operation, keras.Layer) or has_rule(operation):
        return False
    return isinstance(operation, keras.Model) or not type(operation).__module__.startswith("keras.")
