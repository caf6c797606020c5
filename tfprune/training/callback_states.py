"""What Keras' callbacks remember from epoch to epoch, for a training that goes on after a kill.

They set it back when a training begins, and Keras gives no way to ask for it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

_REMEMBERED = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best",),
}


def states(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, dict[str, Any]]:
    """Return {callback: {what it remembers: value}}, for those that remember anything.

    Args:
        callbacks: of a training; several of one kind are told apart by their order.

    Example:
        >>> saves, logs = keras.callbacks.ModelCheckpoint("a.keras"), keras.callbacks.Callback()
        >>> states([logs, saves])
        {'ModelCheckpoint 0': {'best': None}}
    """
    return {
        key: {name: getattr(callback, name) for name in names}
        for key, callback, names in _remembering(callbacks)
    }


def restore(
    callbacks: Sequence[keras.callbacks.Callback], found: Mapping[str, Mapping[str, Any]]
) -> None:
    """Let callbacks remember what they did; one that was not there before begins anew.

    Args:
        callbacks: of a training that has begun.
        found: of `states`.
    """
    for key, callback, names in _remembering(callbacks):
        for name in names:
            if name in found.get(key, ()):
                setattr(callback, name, found[key][name])


def _remembering(
    callbacks: Sequence[keras.callbacks.Callback],
) -> Iterator[tuple[str, keras.callbacks.Callback, tuple[str, ...]]]:
    """Yield (key, callback, names of its attributes) of those that remember anything."""
    seen: Counter = Counter()
    for callback in callbacks:
        kind = next((kind for kind in _REMEMBERED if isinstance(callback, kind)), None)
        if kind is not None:
            yield f"{kind.__name__} {seen[kind]}", callback, _REMEMBERED[kind]
            seen[kind] += 1
