"""Which layers are opened, and which stay as they are."""

from typing import Any

import keras

from tfprune.graph.opening.steps import is_stepped
from tfprune.graph.rules import has_role, has_rule


def is_composite(operation: Any) -> bool:
    """Return whether a layer is to be opened: it is no stock layer, and no rule describes it.

    A TimeDistributed is what its inner layer is, a Lambda a call of the user's.
    """
    if is_stepped(operation):
        return isinstance(operation.layer, keras.Model) or is_composite(operation.layer)
    if has_rule(operation) and has_role(operation, "function"):
        return not _is_registered(operation.function)
    if not isinstance(operation, keras.Layer) or has_rule(operation):
        return False
    return isinstance(operation, keras.Model) or not type(operation).__module__.startswith("keras.")


def _is_registered(function: Any) -> bool:
    """Return whether a file can name a function, so that its layer reloads as it is."""
    named = hasattr(function, "__name__")
    return named and bool(
        keras.saving.get_registered_object(keras.saving.get_registered_name(function))
    )
