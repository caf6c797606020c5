"""Compare a rebuilt model with the masked original: what pruning promises, measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.channel_graph import ChannelGraph
from tfprune.channels import Channels, Shape
from tfprune.errors import PruningError
from tfprune.graph import analyse, functional
from tfprune.masks import kept_ids
from tfprune.notes import Owner
from tfprune.surgery import Builder

_HALF = ("float16", "bfloat16")


@dataclass(frozen=True)
class Verification:
    """How far a rebuilt model is from the masked original.

    Args:
        difference: largest absolute difference over all outputs.
        scale: largest absolute output of the masked original.
        changed: whether masking changed any output of the original.
        inexact: reasons why a difference was expected (statistics over channels), if any.
        tolerance: share of the scale up to which the models count as equal.
    """

    difference: float
    scale: float
    changed: bool
    inexact: tuple[str, ...]
    tolerance: float

    @property
    def relative(self) -> float:
        """The difference as a share of the outputs' scale."""
        return self.difference / self.scale

    @property
    def exact(self) -> bool:
        """Whether the models are equal within the tolerance."""
        return self.relative <= self.tolerance

    def __str__(self) -> str:
        verdict = "equal" if self.exact else "different"
        why = f" (expected: {'; '.join(self.inexact)})" if self.inexact else ""
        effect = "" if self.changed else "; pruning changed no output"
        return (
            f"rebuilt and masked model are {verdict}: largest difference {self.difference:.3g}, "
            f"{self.relative:.3g} of the outputs' scale {self.scale:.3g}{why}{effect}"
        )


def verify(
    graph: ChannelGraph,
    keep: Mapping[str, np.ndarray],
    small: keras.Model,
    *,
    inputs: Any = None,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> Verification:
    """Compare a rebuilt model with the masked original on the same inputs.

    Masking zeroes, in a copy of the original, every weight that reads a removed channel: a zero
    in the layer that makes the channel would come out of a bias or BatchNormalization as a
    constant. Models of half precision are compared in float32.

    Args:
        graph: channel graph of the original model.
        keep: the keep masks `small` was rebuilt with, {layer name: bool [C]}.
        small: the rebuilt model.
        inputs: what to feed both models (array, list or dict of arrays, batch first); by default
            4 random samples.
        tolerance: share of the outputs' scale up to which they count as equal.
        seed: seed of the random inputs.

    Returns:
        The largest difference, with the outputs' scale and whether pruning changed anything.

    Raises:
        PruningError: the models differ by more than the tolerance although nothing inexact was
            pruned, or the outputs are all zero or not finite, so that nothing is proven.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> image = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(4, 3, name="stem")(image)
        >>> graph = tfprune.analyse(keras.Model(image, keras.layers.Conv2D(2, 1)(x)))
        >>> keep = {"stem": np.array([True, False, True, True])}
        >>> tfprune.verify(graph, keep, tfprune.rebuild(graph, keep)).exact
        True
    """
    kept = kept_ids(graph, keep)
    dtype = "float32" if any(layer.dtype_policy.compute_dtype in _HALF
                             for layer in graph.model.layers) else None  # fmt: skip
    inputs = random_inputs(graph.model, seed) if inputs is None else inputs
    all_kept = np.ones_like(kept)
    original = _outputs(Builder(graph, all_kept, dtype).build() if dtype else graph.model, inputs)
    masked = _outputs(MaskedBuilder(graph, kept, dtype).build(), inputs)
    rebuilt = _outputs(_in_dtype(small, dtype), inputs)
    removed = np.unique(graph.unit[~kept])
    reasons = {graph.inexact[u] for u in removed.tolist() if u in graph.inexact}
    check = Verification(
        difference=_difference(masked, rebuilt),
        scale=max((float(np.abs(y).max()) for y in masked if y.size), default=0.0),
        changed=_difference(masked, original) > 0,
        inexact=tuple(sorted(reasons)),
        tolerance=tolerance,
    )
    _judge(check)
    return check


def _judge(check: Verification) -> None:
    if not np.isfinite(check.scale) or check.scale == 0:
        raise PruningError(
            f"Verification proves nothing: the masked original's largest output is {check.scale}, "
            "expected a finite number above 0. Pass `inputs` on which the model responds."
        )
    if not check.exact and not check.inexact:
        raise PruningError(
            f"Verification failed: expected a difference of at most {check.tolerance:g} of the "
            f"outputs' scale, received {check.relative:.3g} ({check}). The keep masks are not "
            "those the model was rebuilt with, it was trained since, or a rule is wrong."
        )


class MaskedBuilder(Builder):
    """Copies the unpruned model with zeros wherever a removed channel is read."""

    def edits(self, owner: Owner) -> Mapping[str, Any]:
        """Return no changes: every layer keeps its size."""
        return {}

    def call(self, owner: Owner, index: int, copy: Any, args: tuple, kwargs: dict) -> Any:
        """Make a call as it was, on zeros where a reader without weights reads."""
        for reader in self.graph.readers:
            if reader.operation is owner.operation and reader.call == index:
                shape = [1] * len(args[0].shape)
                shape[reader.axis] = -1
                mask = self.kept[reader.ids].reshape(shape)
                args = (keras.ops.where(mask, args[0], 0), *args[1:])
        return copy(*args, **kwargs)

    def shape(self, x: Channels) -> Shape:
        """Return a tensor's shape as it was."""
        return x.shape

    def _compressed(self, owner: Owner, index: int, value: np.ndarray) -> np.ndarray:
        for (weight, axis), slot in owner.slots.items():
            if weight == index and slot.reads:
                shape = [1] * value.ndim
                shape[axis] = -1
                value = np.where(self.kept[slot.ids].reshape(shape), value, 0)
        return value


def random_inputs(model: keras.Model, seed: int, batch: int = 4, unknown: int = 64) -> Any:
    """Return random inputs for a model, nested as its own: normal floats, integers 0 and 1.

    Args:
        model: a functional or Sequential model.
        seed: seed of the random numbers.
        batch: number of samples.
        unknown: size of axes whose size the model leaves open.
    """
    rng = np.random.default_rng(seed)

    def draw(tensor: keras.KerasTensor) -> np.ndarray:
        shape = [tensor.shape[0] or batch, *(size or unknown for size in tensor.shape[1:])]
        if "float" in tensor.dtype:
            return rng.standard_normal(shape).astype(tensor.dtype)
        return rng.integers(0, 2, shape).astype(tensor.dtype)

    return keras.tree.map_structure(draw, functional(model).input)


def _outputs(model: keras.Model, inputs: Any) -> list[np.ndarray]:
    stateful = [x for x in model._flatten_layers() if getattr(x, "stateful", False)]
    states = keras.tree.flatten([getattr(layer, "states", None) or [] for layer in stateful])
    before = [state.numpy() for state in states]
    outputs = keras.tree.flatten(model(inputs, training=False))
    for state, value in zip(
        states, before, strict=True
    ):  # a stateful layer would remember the inputs
        state.assign(value)
    return [np.asarray(keras.ops.convert_to_numpy(y), np.float64) for y in outputs]


def _difference(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    pairs = zip(first, second, strict=True)
    return max((float(np.abs(a - b).max()) for a, b in pairs if a.size), default=0.0)


def _in_dtype(model: keras.Model, dtype: str | None) -> keras.Model:
    if dtype is None:
        return model
    graph = analyse(model)
    return Builder(graph, np.ones(len(graph.unit), bool), dtype).build()
