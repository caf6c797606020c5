"""Activation functions: which of them treat every channel by itself."""

from typing import Any

import keras
import numpy as np
from keras import activations

from tfprune.graph.call import Call

_NAMES = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear
log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus
sparse_sigmoid squareplus tanh tanh_shrink threshold""".split()
ELEMENTWISE = {getattr(activations, name) for name in _NAMES}
RECTIFIERS = {activations.relu, activations.relu6, activations.leaky_relu, activations.elu}
_LAYERS = {keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.ELU}
_OVER_CHANNELS = {activations.softmax, activations.log_softmax, activations.sparsemax}


def apply_activation(call: Call, activation: Any, out: np.ndarray) -> None:
    """Pin the ids `out` unless the activation computes each channel from itself alone."""
    if activation is None or activation in ELEMENTWISE:
        return
    name = getattr(activation, "__name__", None) or getattr(activation, "name", str(activation))
    if activation in _OVER_CHANNELS:
        call.inexact(out, f"activation {name!r} normalises over all channels")
    elif type(activation) not in _LAYERS:
        call.pin(out, f"activation {name!r} is not known to act on each channel by itself")
