"""Activation functions: which of them treat every channel by itself."""

from collections.abc import Callable
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
    elif type(activation) not in _LAYERS and not acts_alone(activation, len(call.outputs[0])):
        call.pin(out, f"activation {name!r} does not act on each channel by itself")


def acts_alone(function: Callable[[Any], Any], rank: int) -> bool:
    """Try out whether a function computes each number from the number at the same place alone.

    What it gives for a number must not change with the other numbers, nor with how many there are,
    nor from one call to the next: near zero, far from it, and for zeros among them.

    Args:
        function: a function of a tensor, of any origin.
        rank: number of axes of the tensors that it is called with.
    """
    if isinstance(function, keras.Layer):
        return False  # its weights would have to follow the channels
    rng = np.random.default_rng(0)
    try:
        return all(_acts_alone(function, rng, [3, *[4] * (rank - 1)], s) for s in (1.0, 30.0))
    except Exception:  # a function that takes no such tensors is no function of single numbers
        return False


def _acts_alone(
    function: Callable[[Any], Any], rng: np.random.Generator, shape: list[int], size: float
) -> bool:
    def of(numbers: np.ndarray) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(function(numbers.astype("float32"))))

    x, others = rng.normal(0, size, shape), rng.normal(0, size, shape) * rng.integers(0, 2, shape)
    same = rng.random(shape) < 0.5
    y, changed = of(x), of(np.where(same, x, others))
    cut = (*[slice(None)] * (len(shape) - 1), slice(1, 3))
    return (
        y.shape == x.shape
        and np.allclose(y, of(x), rtol=1e-6, atol=0, equal_nan=True)
        and np.allclose(y[same], changed[same], rtol=1e-6, atol=0, equal_nan=True)
        and np.allclose(y[cut], of(x[cut]), rtol=1e-6, atol=0, equal_nan=True)
    )
