"""TensorFlow's functions that calls use as they use Keras': answered by Keras on symbolic tensors.

TensorFlow refuses symbolic tensors, so that a call which asks `tf.nn.relu` could not be traced. The
names below mean the same in Keras; all others stay TensorFlow's, and refuse.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfprune.graph.opening import tensorflow_images, tensorflow_windows

_ELEMENTWISE = """abs add atan:arctan ceil cos cosh divide equal exp floor greater greater_equal
less less_equal logical_and logical_not logical_or maximum minimum multiply negative not_equal
ones_like pow:power round sigmoid sign sin sinh sqrt square stop_gradient subtract tan tanh where
zeros_like""".split()
_MATH = "erf expm1 log log1p reciprocal rsqrt softplus".split()
_REDUCTIONS = """reduce_all:all reduce_any:any reduce_logsumexp:logsumexp reduce_max:max
reduce_mean:mean reduce_min:min reduce_prod:prod reduce_std:std reduce_sum:sum
reduce_variance:var""".split()
_ACTIVATIONS = """elu leaky_relu relu relu6 selu sigmoid silu softplus softsign swish:silu
tanh""".split()


def _reduction(name: str) -> Callable:
    def reduce(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return getattr(ops, name)(input_tensor, axis=axis, keepdims=keepdims)

    return reduce


def _normalised(name: str) -> Callable:
    def normalise(logits: Any, axis: int | None = None) -> Any:
        return getattr(ops, name)(logits, axis=-1 if axis is None else axis)

    return normalise


def _gelu(features: Any, approximate: bool = False) -> Any:
    return ops.gelu(features, approximate=approximate)


def _matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    turned = [ops.swapaxes(x, -1, -2) if turn else x for x, turn in
              ((a, transpose_a), (b, transpose_b))]  # fmt: skip
    return ops.matmul(*turned)


def _reshape(tensor: Any, shape: Any) -> Any:
    return ops.reshape(tensor, tuple(int(size) for size in shape))


def _split(value: Any, num_or_size_splits: Any, axis: int = 0) -> Any:
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis=axis)
    borders = [sum(num_or_size_splits[:i]) for i in range(1, len(num_or_size_splits))]
    return ops.split(value, borders, axis=axis)


def _band_part(input: Any, num_lower: int, num_upper: int) -> Any:
    """Keep a band around the diagonal, as wide as is said on each side; all of it where < 0."""
    ones = ops.ones_like(input, dtype="int32")
    below = ops.cumsum(ones, axis=-2) - ops.cumsum(ones, axis=-1)
    kept = ops.ones_like(input, dtype="bool")
    if num_lower >= 0:
        kept = ops.logical_and(kept, below <= num_lower)
    if num_upper >= 0:
        kept = ops.logical_and(kept, below >= -num_upper)
    return ops.where(kept, input, ops.zeros_like(input))


def _gather(params: Any, indices: Any, axis: int | None = None, batch_dims: int = 0) -> Any:
    if not batch_dims:
        return ops.take(params, indices, axis=axis or 0)
    last = len(params.shape) - 1
    if batch_dims != last or axis not in (None, last) or len(indices.shape) != last + 1:
        raise NotImplementedError("tf.gather of whole rows, or along another axis than the last")
    return ops.take_along_axis(params, indices, axis=last)


def _sized(function: Callable) -> Callable:
    """Return a function of a tensor and a list of sizes, as Keras takes them."""
    return lambda x, sizes: function(x, tuple(map(int, sizes)))


def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12) -> Any:
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, epsilon)))


def _pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    widths = np.asarray(paddings).tolist()
    if mode.upper() == "CONSTANT":
        return ops.pad(tensor, widths, constant_values=constant_values)
    return ops.pad(tensor, widths, mode=mode.lower())


def _blocks(name: str) -> Callable:
    """Return a movement of blocks, as TensorFlow calls it."""

    def move(input: Any, block_size: int, data_format: str = "NHWC") -> Any:
        names = {"NHWC": "channels_last", "NCHW": "channels_first"}
        if not hasattr(ops, name):
            raise NotImplementedError(f"Keras {keras.__version__} has no {name}")
        return getattr(ops, name)(input, block_size, data_format=names[data_format])

    return move


def _reverse(tensor: Any, axis: Any) -> Any:
    for one in np.atleast_1d(axis).tolist():  # Keras 3.12 takes no list
        tensor = ops.flip(tensor, one)
    return tensor


def _repeat(input: Any, repeats: Any, axis: int | None = None) -> Any:
    return ops.repeat(input, repeats, axis=axis)


def _clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    return ops.clip(t, clip_value_min, clip_value_max)


def _cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
    if exclusive or reverse:
        raise NotImplementedError("tf.cumsum, exclusive or in reverse")
    return ops.cumsum(x, axis=axis)


def _one_hot(indices: Any, depth: int, axis: int | None = None, dtype: Any = None) -> Any:
    kind = tf.as_dtype(dtype or "float32").name
    return ops.one_hot(indices, int(depth), axis=-1 if axis is None else axis, dtype=kind)


_OTHERS: dict[str, Callable] = {
    "add_n": lambda inputs: reduce(ops.add, inputs),
    "broadcast_to": _sized(ops.broadcast_to),
    "cast": lambda x, dtype: ops.cast(x, tf.as_dtype(dtype).name),
    "clip_by_value": _clip,
    "concat": lambda values, axis: ops.concatenate(values, axis=axis),
    "cumsum": _cumsum,
    "einsum": ops.einsum,
    "expand_dims": lambda input, axis: ops.expand_dims(input, axis),  # noqa: PLW0108 - by name
    "gather": _gather,
    "identity": lambda input: input,
    "matmul": _matmul,
    "one_hot": _one_hot,
    "pad": _pad,
    "repeat": _repeat,
    "reshape": _reshape,
    "reverse": _reverse,
    "roll": lambda input, shift, axis: ops.roll(input, shift, axis),  # noqa: PLW0108 - by name
    "shape": lambda input, **_: input.shape,
    "split": _split,
    "squeeze": lambda input, axis=None: ops.squeeze(input, axis),
    "stack": lambda values, axis=0: ops.stack(values, axis=axis),
    "tile": _sized(ops.tile),
    "transpose": lambda a, perm=None: ops.transpose(a, perm),
    "unstack": lambda value, num=None, axis=0: ops.unstack(value, num, axis),
}


def calls() -> Iterator[tuple[Any, str, Callable]]:
    """Yield (module, name, what answers in place of TensorFlow's function of this name)."""
    for places, names in (
        ((tf, tf.math), _ELEMENTWISE),
        ((tf.math,), _MATH),
        ((tf.nn,), _ACTIVATIONS),
    ):
        for place, theirs, ours in _present(places, names):
            yield place, theirs, getattr(ops, ours)
    for place, theirs, ours in _present((tf, tf.math), _REDUCTIONS):
        yield place, theirs, _reduction(ours)
    yield tf.linalg, "band_part", _band_part
    yield tf.linalg, "matmul", _matmul
    yield tf.linalg, "matrix_transpose", lambda a: ops.swapaxes(a, -1, -2)
    for name in ("softmax", "log_softmax"):
        yield tf.nn, name, _normalised(name)
    yield tf.nn, "gelu", _gelu
    yield tf.math, "squared_difference", lambda x, y: ops.square(ops.subtract(x, y))
    for name in ("space_to_depth", "depth_to_space"):  # older versions of Keras lack them
        yield tf.nn, name, _blocks(name)
    for place in (tf.nn, tf.math, tf.linalg):
        yield place, "l2_normalize", _l2_normalize
    yield from tensorflow_images.calls()
    yield from tensorflow_windows.calls()
    for name, function in _OTHERS.items():
        yield tf, name, function


def _present(places: Sequence[Any], names: Sequence[str]) -> Iterator[tuple[Any, str, str]]:
    """Yield (module, TensorFlow's name, Keras' name) of the functions that a module has."""
    for place, name in product(places, names):
        theirs, _, ours = name.partition(":")
        if hasattr(place, theirs):
            yield place, theirs, ours or theirs
