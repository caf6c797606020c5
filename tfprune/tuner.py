"""Pruning as a search space for KerasTuner, which need not be installed to make one."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import keras

from tfprune.errors import PruningError
from tfprune.pruning.one_call import prune
from tfprune.pruning.planning import PruningOptions, require_possible


def hypermodel(
    model: keras.Model,
    data: Any,
    *,
    methods: Sequence[str] = ("l1", "l2"),
    amount: str = "macs",
    between: tuple[float, float] = (0.3, 0.9),
    allow_inexact: bool = False,
    **options: Unpack[PruningOptions],
) -> Callable[[Any], keras.Model]:
    """Return what builds a pruned model from KerasTuner's hyperparameters.

    It goes where a tuner takes a `HyperModel`: `keras_tuner.RandomSearch(hypermodel(...),
    objective="val_accuracy")`. The tuner then trains each pruned model and keeps the best.

    Args:
        model: the unpruned model, compiled: a pruned model is compiled alike.
        data: what the criteria score on, as for `tfprune.prune`; re-readable, it is read each time.
        methods: among which the tuner chooses.
        amount: "macs", "params" (shares that are left) or "ratio" (the share removed).
        between: the least and the greatest amount.
        allow_inexact: as for `tfprune.prune`.
        **options: the same for all, as for `tfprune.prune`.

    Returns:
        `build(hp)`, with the hyperparameters "method" and the amount's name.

    Raises:
        PruningError: no method, bounds in the wrong order, a model that is not compiled, or what
            `tfprune.prune` would refuse before it scores.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> model.compile(loss="mse")
        >>> class Hyperparameters:  # as keras_tuner.HyperParameters
        ...     def Choice(self, name, values): return values[0]
        ...     def Float(self, name, low, high): return 0.5
        >>> build = hypermodel(model, None, amount="ratio")
        >>> build(Hyperparameters()).get_layer("hidden").units
        4
    """
    _check(model, methods, amount, between)
    if amount in options:
        raise PruningError(
            f"hypermodel: {amount}={options[amount]} stands beside amount={amount!r}, which the "
            "tuner chooses. Leave it out, or set its bounds by between=."
        )
    same = {"allow_inexact": allow_inexact, **options}
    for method in methods:
        require_possible(model, method, **{amount: between[0]}, **same)

    def build(hp: Any) -> keras.Model:
        method = hp.Choice("method", list(methods))
        share = hp.Float(amount, *between)
        small, _ = prune(model, data, method, **{amount: share}, **same)
        return small

    return build


def _check(
    model: keras.Model, methods: Sequence[str], amount: str, between: tuple[float, float]
) -> None:
    if not methods or isinstance(methods, str):
        raise PruningError(f"hypermodel: expected a list of methods, received {methods!r}.")
    if amount not in ("macs", "params", "ratio"):
        raise PruningError(
            f"hypermodel: amount must be 'macs', 'params' or 'ratio', received {amount!r}."
        )
    low, high = between
    if not 0 < low < high < 1:
        raise PruningError(
            "hypermodel: between must be two shares in (0, 1), the lower first; received "
            f"{between}."
        )
    if not model.compiled:
        raise PruningError(
            f"hypermodel: model {model.name!r} is not compiled, so a tuner could not train what is "
            "made of it. Call model.compile(...) first."
        )
