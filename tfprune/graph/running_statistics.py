"""Which weights are running statistics, that no optimiser trains."""

from typing import Any

_NAMES = """moving_mean moving_variance adapt_mean adapt_variance count vector_u""".split()


def running_statistics(operation: Any) -> frozenset[int]:
    """Return the places in an operation's `weights` that hold running statistics.

    Not what `trainable_weights` leaves out: a frozen layer has its parameters all the same.

    Args:
        operation: a layer, or an operation without weights.

    Example:
        >>> import keras
        >>> norm = keras.layers.BatchNormalization()
        >>> norm.build((None, 3))
        >>> sorted(running_statistics(norm))  # after gamma and beta
        [2, 3]
    """
    held = {id(getattr(operation, name, None)) for name in _NAMES}
    weights = getattr(operation, "weights", ())
    return frozenset(place for place, weight in enumerate(weights) if id(weight) in held)
