"""Carry the compile state, and on request the optimizer's slots, to a rebuilt model."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.keras_private import compile_settings


def compile_like(model: keras.Model, old: keras.Model) -> None:
    """Compile a model with new copies of what another one was compiled with.

    Losses may be the user's own functions, which Keras could not serialize: they are shared. The
    optimizer and metrics hold state and are copied.
    """
    settings = compile_settings(old)
    if settings is None:
        return
    model.compile(**{key: _fresh(value) for key, value in settings.items()})
    if old.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _fresh(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _fresh(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fresh(part) for part in value)
    if isinstance(value, keras.metrics.Metric | keras.optimizers.Optimizer):
        return type(value).from_config(value.get_config())
    return value


def copy_slots(
    model: keras.Model, old: keras.Model, compress: Callable[[Any, np.ndarray], np.ndarray]
) -> None:
    """Give a compiled model's optimizer the state of another one, compressed like the weights.

    Args:
        model: the new model, compiled alike.
        old: the model whose optimizer has been used.
        compress: (old variable, array of its shape) -> the array as the new variable keeps it.

    Raises:
        PruningError: the old model has no optimizer that was used.
    """
    if not old.compiled or not old.optimizer.built:
        raise PruningError(
            f"optimizer_state=True: model {old.name!r} has no optimizer state to carry over. "
            "Compile and train it first, or leave optimizer_state out."
        )
    owners = _references(old.optimizer.variables, old.trainable_variables)
    states = zip(model.optimizer.variables, old.optimizer.variables, owners, strict=True)
    for new, state, owner in states:
        value = np.asarray(state)
        new.assign(value if owner is None else compress(owner, value))


def _references(states: Sequence[Any], variables: Sequence[Any]) -> list[Any | None]:
    """Return the variable that each of an optimizer's states belongs to; None for its own.

    A slot's name begins with its variable's path, but paths may be equal (two inner models with
    layers of the same names): the n-th slot of a name is that of the n-th such variable.
    """
    paths = [variable.path.replace("/", "_") + "_" for variable in variables]
    seen: Counter[str] = Counter()
    found = []
    for state in states:
        path = max((p for p in paths if state.name.startswith(p)), key=len, default=None)
        same = [v for p, v in zip(paths, variables, strict=True) if p == path]
        found.append(same[seen[state.name] % len(same)] if same else None)
        seen[state.name] += 1
    return found
