"""Compare a rebuilt model with the masked original: what pruning promises, measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import functional
from tfprune.surgery.builder import copy_whole, float32_if_half
from tfprune.surgery.masked import MaskedBuilder
from tfprune.surgery.masks import kept_ids


@dataclass(frozen=True)
class Verification:
    """How far a rebuilt model is from the masked original.

    Args:
        difference: largest absolute difference, of the output where it is the largest share.
        scale: largest absolute value of that output of the masked original.
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
            pruned, their outputs have other shapes, or an output is all zero or not finite, so
            that nothing is proven.

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
    dtype = float32_if_half(graph.model)
    inputs = random_inputs(graph.model, seed) if inputs is None else inputs
    original = _outputs(copy_whole(graph, dtype) if dtype else graph.model, inputs)
    masked = _outputs(MaskedBuilder(graph, kept, dtype).build(), inputs)
    rebuilt = _outputs(copy_whole(analyse(small), dtype) if dtype else small, inputs)
    removed = np.unique(graph.unit[~kept])
    reasons = {graph.inexact[u] for u in removed.tolist() if u in graph.inexact}
    difference, scale = _worst(masked, rebuilt)
    changed = any((a != b).any() for a, b in zip(masked, original, strict=True))
    check = Verification(difference, scale, changed, tuple(sorted(reasons)), tolerance)
    _judge(check)
    return check


def _worst(masked: list[np.ndarray], rebuilt: list[np.ndarray]) -> tuple[float, float]:
    """Return the difference and scale of the output that differs most, by its own scale."""
    shapes = [y.shape for y in masked], [y.shape for y in rebuilt]
    if shapes[0] != shapes[1]:
        raise PruningError(
            f"Verification: expected outputs of shapes {shapes[0]} as the original's, received "
            f"{shapes[1]}. Pass the model that was rebuilt with these keep masks."
        )
    found = []
    for index, (a, b) in enumerate(zip(masked, rebuilt, strict=True)):
        scale, difference = float(np.max(np.abs(a))), float(np.max(np.abs(a - b)))
        if not np.isfinite(difference) or not np.isfinite(scale) or scale == 0:
            raise PruningError(
                f"Verification proves nothing: output {index} of the masked original is at most "
                f"{scale} and differs by {difference}; expected finite numbers that are not all 0. "
                "Pass `inputs` on which the model responds."
            )
        found.append((difference, scale))
    return max(found, key=lambda pair: pair[0] / pair[1])


def _judge(check: Verification) -> None:
    if not check.exact and not check.inexact:
        raise PruningError(
            f"Verification failed: expected a difference of at most {check.tolerance:g} of the "
            f"outputs' scale, received {check.relative:.3g} ({check}). The keep masks are not "
            "those the model was rebuilt with, it was trained since, or a rule is wrong."
        )


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
    for state, value in zip(states, before, strict=True):
        state.assign(value)  # a stateful layer would remember the inputs
    return [np.asarray(keras.ops.convert_to_numpy(y), np.float64) for y in outputs]
