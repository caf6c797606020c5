"""Which layers and operations are activations, and which apply one of their own."""

from typing import Any

import keras

from tfprune.graph.rules import has_role
from tfprune.graph.rules._activations import RECTIFIERS

_OF_THEIR_OWN = ("softmax", "log_softmax", "sigmoid")


def is_activation(operation: Any) -> bool:
    """Tell whether a layer or an operation is nothing but an activation.

    Args:
        operation: a layer, or an operation such as `keras.ops.relu` leaves in a model.

    Example:
        >>> is_activation(keras.layers.ReLU()), is_activation(keras.layers.Activation("linear"))
        (True, False)
    """
    named = hasattr(operation, "activation")  # by a function, which may be the linear one
    return has_role(operation, "activation") and (not named or applies_activation(operation))


def applies_activation(operation: Any) -> bool:
    """Tell whether a layer applies an activation of its own to what it computes.

    Args:
        operation: a layer or an operation.

    Example:
        >>> applies_activation(keras.layers.Dense(2, activation="relu"))
        True
    """
    return getattr(operation, "activation", None) not in (None, keras.activations.linear)


def rectifies(layer: Any) -> bool:
    """Tell whether a layer is a ReLU or one of its kin, or ends in one.

    Args:
        layer: a layer.

    Example:
        >>> [rectifies(keras.layers.Dense(2, activation=name)) for name in ("relu6", "tanh")]
        [True, False]
    """
    activation = getattr(layer, "activation", None)
    return (
        has_role(layer, "rectifier")
        or has_role(activation, "rectifier")
        or activation in RECTIFIERS
    )


def activation_name(operation: Any) -> str:
    """Return the name of the activation that an operation is or applies, "linear" for none.

    Of the activations that are kinds of their own, those are told that make probabilities:
    "softmax", "log_softmax" and "sigmoid", as layers and as operations alike.

    Args:
        operation: a layer or an operation.

    Example:
        >>> activation_name(keras.layers.Softmax()), activation_name(keras.layers.Dense(2))
        ('softmax', 'linear')
    """
    for role in _OF_THEIR_OWN:
        if has_role(operation, role):
            return role
    activation = getattr(operation, "activation", None)
    return "linear" if activation is None else getattr(activation, "__name__", str(activation))
