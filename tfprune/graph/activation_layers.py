"""Which layers and operations are activations, and which apply one of their own."""

from typing import Any

import keras

_ACTIVATIONS = frozenset(
    """Activation Celu ELU Elu Gelu HardShrink HardSigmoid HardSilu HardTanh LeakyReLU LeakyRelu
    LogSigmoid PReLU ReLU Relu Relu6 Selu Sigmoid Silu SoftShrink Softplus Softsign SparsePlus
    SparseSigmoid Squareplus Tanh TanhShrink Threshold""".split()
)


def is_activation(operation: Any) -> bool:
    """Tell whether a layer or an operation is nothing but an activation.

    Args:
        operation: a layer, or an operation such as `keras.ops.relu` leaves in a model.

    Example:
        >>> is_activation(keras.layers.ReLU()), is_activation(keras.layers.Activation("linear"))
        (True, False)
    """
    kind = type(operation).__name__
    return kind in _ACTIVATIONS and (kind != "Activation" or applies_activation(operation))


def applies_activation(operation: Any) -> bool:
    """Tell whether a layer applies an activation of its own to what it computes.

    Args:
        operation: a layer or an operation.

    Example:
        >>> applies_activation(keras.layers.Dense(2, activation="relu"))
        True
    """
    return getattr(operation, "activation", None) not in (None, keras.activations.linear)
