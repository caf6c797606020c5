"""How a model's calls are made where its normalisations are looked at: three ways."""

from collections.abc import Iterable
from typing import Any

from tfprune.graph.rules import has_role
from tfprune.passes.fused_norms import on_batch_statistics, on_moving_statistics


def at_inference(operation: Any, args: tuple, kwargs: dict) -> Any:
    """Make a call as it is."""
    return operation(*args, **kwargs)


def differentiably(operation: Any, args: tuple, kwargs: dict) -> Any:
    """Make a call as at inference, a normalisation by its kernel, whose gradient costs less."""
    fused = on_moving_statistics(operation, *args, **kwargs) if is_norm(operation) else None
    return operation(*args, **kwargs) if fused is None else fused


def by_batch(operation: Any, args: tuple, kwargs: dict) -> Any:
    """Make a call as at inference, a normalisation on the statistics of the batch.

    A frozen one ignores `training`: see `thaw`.
    """
    if not is_norm(operation):
        return operation(*args, **kwargs)
    fused = on_batch_statistics(operation, *args, **kwargs)
    return operation(*args, **{**kwargs, "training": True}) if fused is None else fused


def thaw(operations: Iterable[Any]) -> None:
    """Let frozen normalisations run on batch statistics too, by changing them."""
    for layer in operations:
        if is_norm(layer):
            layer.trainable = True


def is_norm(operation: Any) -> bool:
    """Return whether an operation normalises by the statistics of a batch."""
    return has_role(operation, "batch_normalisation")
