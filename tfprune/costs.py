"""Count parameters and multiply-accumulates per layer, under the papers' conventions."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import keras

from tfprune.errors import PruningError, unknown
from tfprune.graph import analyse
from tfprune.trace import Owner


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one sample; a multiply-add counts as one.

    Args:
        name: the layer's name.
        kind: its class.
        weights: trainable parameters without normalisation vectors.
        norm: trainable parameters of a normalisation layer.
        macs: multiply-accumulates of its kernels.
        dense_bias: additions of a dense layer's bias.
    """

    name: str
    kind: str
    weights: int
    norm: int
    macs: int
    dense_bias: int


@dataclass(frozen=True)
class Convention:
    """How a paper counts: what of each layer goes into `macs` and `params`."""

    macs: Callable[[LayerCost], int]
    params: Callable[[LayerCost], int]


# architectures.md, section 1: multiply-adds of convolutions and dense layers in all of them.
CONVENTIONS: Mapping[str, Convention] = MappingProxyType({
    "mac": Convention(lambda row: row.macs, lambda row: row.weights + row.norm),
    "li": Convention(lambda row: row.macs, lambda row: row.weights),
    "hrank": Convention(lambda row: row.macs + row.dense_bias, lambda row: row.weights),
})  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a model costs; `print` shows a table.

    Args:
        convention: name of the counting convention.
        macs: multiply-accumulates for one sample.
        params: parameters.
        rows: one per layer with weights.
    """

    convention: str
    macs: int
    params: int
    rows: tuple[LayerCost, ...]

    def __str__(self) -> str:
        count = CONVENTIONS[self.convention]
        table = [("layer", "kind", "parameters", "MACs")]
        table += [(r.name, r.kind, f"{count.params(r):,}", f"{count.macs(r):,}")
                  for r in self.rows]  # fmt: skip
        table += [(f"total ({self.convention})", "", f"{self.params:,}", f"{self.macs:,}")]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        return "\n".join(
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in table
        )


def cost(model: keras.Model, convention: str = "mac") -> Cost:
    """Count a model's parameters and multiply-accumulates.

    Args:
        model: a built functional or Sequential model of known spatial size.
        convention: "mac" (kernels' MACs, all trainable parameters), "li" (the same MACs,
            parameters without BatchNormalization, as Li et al. count) or "hrank" ("li" with the
            bias additions of dense layers, as HRank counts).

    Returns:
        Totals and one row per layer with weights; a layer called twice counts its MACs twice.

    Raises:
        PruningError: an unknown convention, a map of unknown size, or a layer with kernels that
            no rule describes, whose MACs are therefore unknown.

    Example:
        >>> import keras, tfprune
        >>> tfprune.cost(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])).macs
        12
    """
    if convention not in CONVENTIONS:
        raise unknown("counting convention", convention, CONVENTIONS)
    owners = analyse(model, allow_inexact=True).owners.values()
    rows = tuple(_row(owner) for owner in owners if getattr(owner.operation, "weights", ()))
    count = CONVENTIONS[convention]
    return Cost(convention, sum(map(count.macs, rows)), sum(map(count.params, rows)), rows)


def _row(owner: Owner) -> LayerCost:
    layer = owner.operation
    if owner.uncounted:
        raise PruningError(
            f"cost: layer {owner.name!r} ({type(layer).__name__}) {owner.uncounted}. Build the "
            "model with a fixed input size, or teach the layer with @tfprune.rule and times=."
        )
    size = [math.prod(weight.shape) for weight in layer.weights]
    trainable = {id(weight) for weight in layer.trainable_weights}
    params = sum(n for n, w in zip(size, layer.weights, strict=True) if id(w) in trainable)
    is_norm = "Normalization" in type(layer).__name__
    is_dense = isinstance(layer, keras.layers.Dense) and layer.use_bias
    return LayerCost(
        owner.name,
        type(layer).__name__,
        0 if is_norm else params,
        params if is_norm else 0,
        sum(size[index] * times for index, times in owner.times.items()),
        layer.units * len(owner.call_edits) if is_dense else 0,
    )
