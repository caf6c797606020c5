"""Take activations off a model's copy: the softmax at its end, and those within layers."""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.graph.activation_kinds import activation_name
from tfprune.graph.heads import gives_probabilities, last_layers
from tfprune.graph.layer_calls import calls


def cut_softmax(model: keras.Model) -> int | None:
    """Let a classifier that ends in a softmax or its logarithm end in logits, by changing it.

    Args:
        model: a copy that nobody else uses.

    Returns:
        The id of the operation whose call is to be left out, where the softmax is an operation
        of its own; else None, also where there is none.

    Raises:
        PruningError: the last activation is neither a softmax nor none, or the softmax serves
            elsewhere too.

    Example:
        >>> layers = [keras.Input((3,)), keras.layers.Dense(2, "softmax")]
        >>> model = keras.Sequential(layers)
        >>> cut_softmax(model)
        >>> model.layers[-1].activation.__name__
        'linear'
    """
    gives_probabilities(model)  # refuses other activations
    last = (last_layers(model) or [None])[-1]
    if not _is_softmax(last):
        return None
    if sum(call.operation is last for call in calls(model)) > 1:
        raise PruningError(
            f"Model {model.name!r} calls {last.name!r}, the softmax at its end, more than once: "
            "its logits cannot be told. Give the model a softmax of its own at its end."
        )
    if not hasattr(last, "activation"):
        return id(last)
    last.activation = keras.activations.linear
    return None


def _is_softmax(operation: Any) -> bool:
    """Tell whether an operation ends in a softmax; logarithms of one are no raw scores either."""
    return activation_name(operation) in ("softmax", "log_softmax")


def cut_activations(layers: Iterable[Any]) -> dict[int, Callable[[Any], Any]]:
    """Take the activations off convolutions and Dense layers, by changing them.

    Args:
        layers: layers of a copy that nobody else uses; their activation is the last they do.

    Returns:
        {id of the layer: the activation that it had}.
    """
    cut = {id(layer): layer.activation for layer in layers}
    for layer in layers:
        layer.activation = keras.activations.linear
    return cut
