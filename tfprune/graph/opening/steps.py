"""TimeDistributed around a model: the model called once, with the steps among the samples."""

from typing import Any

import keras
from keras import ops


def is_stepped(layer: Any) -> bool:
    """Return whether a layer is a TimeDistributed.

    Args:
        layer: any layer or operation.
    """
    return isinstance(layer, keras.layers.TimeDistributed)


def on_all_steps(layer: keras.layers.TimeDistributed, x: Any, mask: Any = None) -> Any:
    """Return what a TimeDistributed makes of a symbolic tensor.

    Keras calls the inner layer once for each step; at inference that is the same, and in training
    BatchNormalization takes its statistics over all steps in place of one step's.

    Args:
        layer: the TimeDistributed.
        x: symbolic tensor [batch, steps, ...].
        mask: which steps count.

    Raises:
        ValueError: steps that do not count, which the inner layer may want to know.
    """
    if mask is not None:
        raise ValueError("its steps are masked")
    steps = x.shape[1]
    y = layer.layer(ops.reshape(x, (-1, *x.shape[2:])))
    return ops.reshape(y, (-1, steps, *y.shape[1:]))
