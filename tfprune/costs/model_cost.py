"""Count parameters and multiply-accumulates per layer, under the papers' conventions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfprune import texts
from tfprune.costs.conventions import CONVENTIONS, Convention, LayerCost
from tfprune.costs.element_counts import Elements, count_elements
from tfprune.errors import PruningError, unknown
from tfprune.graph.analysis import analyse
from tfprune.graph.keras_graph import require_readable
from tfprune.graph.layer_calls import calls
from tfprune.graph.layer_notes import Owner
from tfprune.graph.opening.opened import opened_where_possible
from tfprune.graph.rules import has_role
from tfprune.graph.running_statistics import running_statistics
from tfprune.graph.whole_layers import macs_of_whole
from tfprune.surgery.resizing import with_input_shape

_POOLINGS = ("global_average_pooling", "average_pooling")  # the narrower one first

_HEADER = ("layer", "kind", "parameters", "MACs")


@dataclass(frozen=True, repr=False)
class Cost:
    """What a model costs; `print` shows a table of the layers that cost something.

    Args:
        convention: name of the counting convention.
        macs: multiply-accumulates for one sample, with what else the convention adds.
        params: parameters.
        rows: one per layer with weights or elements, in the order of the calls.
    """

    convention: str
    macs: int
    params: int
    rows: tuple[LayerCost, ...]

    def __repr__(self) -> str:
        return (
            f"<Cost ({self.convention}): {self.params:,} parameters, {self.macs:,} MACs, "
            f"{len(self.rows)} layers>"
        )

    def __str__(self) -> str:
        shown = [(name, kind, f"{p:,}", f"{m:,}") for name, kind, p, m in self._counted()]
        total = (f"total ({self.convention})", "", f"{self.params:,}", f"{self.macs:,}")
        whole = ", ".join(row.name for row in self.rows if row.is_whole)
        footer = (
            f"\nMACs read off TensorFlow's graph, as no rule counts them: {whole}" if whole else ""
        )
        return _table([_HEADER, *shown, total], left=2) + footer

    def _repr_html_(self) -> str:
        title = f"{self.params:,} parameters, {self.macs:,} MACs ({self.convention})"
        return texts.table(title, _HEADER, self._counted())

    def _counted(self) -> list[tuple[str, str, int, int]]:
        count = CONVENTIONS[self.convention]
        rows = [(row.name, row.kind, count.params(row), count.macs(row)) for row in self.rows]
        return [row for row in rows if row[2] or row[3]]

    def compare(self, before: "Cost") -> str:
        """Return a table of what a model cost before, what this one costs, and the change.

        Args:
            before: what the model cost before it was pruned, under the same convention.

        Raises:
            PruningError: the two are counted under different conventions.

        Example:
            >>> import keras
            >>> wide, narrow = (
            ...     keras.Sequential([keras.Input((4,)), keras.layers.Dense(n)]) for n in (8, 6)
            ... )
            >>> print(cost(narrow).compare(cost(wide)))
            mac         before  after  change
            parameters      40     30  -25.0%
            MACs            32     24  -25.0%
        """
        if self.convention != before.convention:
            raise PruningError(
                f"Costs under different conventions do not compare: before {before.convention!r}, "
                f"after {self.convention!r}. Count both with the same `convention`."
            )
        pairs = [("parameters", before.params, self.params), ("MACs", before.macs, self.macs)]
        rows = [(name, f"{a:,}", f"{b:,}", _change(a, b)) for name, a, b in pairs]
        return _table([(self.convention, "before", "after", "change"), *rows], left=1)


def cost(
    model: keras.Model, convention: str = "mac", *, input_shape: Sequence[Any] | None = None
) -> Cost:
    """Count a model's parameters and multiply-accumulates.

    Args:
        model: a built model; composite layers and subclassed models are counted as opened.
        convention: "mac" (kernels' MACs, all parameters but moving statistics), "li" (the same
            MACs, parameters without BatchNormalization, as Li et al. count), "hrank" ("li" with
            the bias additions of dense layers, as HRank counts), "thop" ("mac" with convolutions'
            biases, 2 per normalised element, average pooling) or "ptflops" (like it, with every
            ReLU and pooling). The last two pass over plain operations such as `keras.ops.relu`, as
            their originals pass over functions.
        input_shape: (height, width, channels) of an image to count for, where the model's own is
            unknown or another one, and its weights fit; a list of shapes for several inputs.

    Returns:
        Totals and one row per layer; a layer called twice counts its MACs twice. Those of a layer
        that no rule describes are counted in TensorFlow's graph of its call.

    Raises:
        PruningError: no model with a graph of layers, an unknown convention, a map of unknown
            size, a layer that no rule describes and whose call hides its products in a loop, or an
            input shape that does not fit.

    Example:
        >>> import keras, tfprune
        >>> tfprune.cost(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])).macs
        12
    """
    if convention not in CONVENTIONS:
        raise unknown("counting convention", convention, CONVENTIONS)
    model, _ = opened_where_possible(model)
    require_readable(model)
    if input_shape is not None:
        model = with_input_shape(model, input_shape)
    rows = _rows(model)
    count = CONVENTIONS[convention]
    for row in rows:
        _require_known(row, convention, count)
    return Cost(convention, sum(map(count.macs, rows)), sum(map(count.params, rows)), rows)


def _rows(model: keras.Model) -> tuple[LayerCost, ...]:
    elements, shapes = count_elements(model), {}
    for call in calls(model):
        shapes.setdefault(id(call.operation), tuple(call.outputs[0].shape))
    rows = []
    for owner in analyse(model, allow_inexact=True).owners.values():
        key = id(owner.operation)
        whole = macs_of_whole(model, owner.operation) if owner.is_whole else None
        row = _row(owner, elements.get(key, Elements()), shapes.get(key), whole)
        if row.weights or row.norm or row.macs or row.elements != Elements():
            rows.append(row)
    return tuple(rows)


def _row(
    owner: Owner, elements: Elements, shape: tuple[int | None, ...] | None, whole: int | None
) -> LayerCost:
    layer = owner.operation
    if owner.uncounted and whole is None:
        raise PruningError(
            f"cost: layer {owner.name!r} ({type(layer).__name__}) {owner.uncounted}. Build the "
            "model with a fixed input size, pass input_shape=, or teach the layer with "
            "@tfprune.rule and times=."
        )
    weights = getattr(layer, "weights", ())
    size = [math.prod(weight.shape) for weight in weights]
    statistics = running_statistics(layer)  # no paper counts them
    params = sum(n for place, n in enumerate(size) if place not in statistics)
    is_norm = has_role(layer, "normalisation")
    return LayerCost(
        name=owner.name,
        kind=type(layer).__name__,
        weights=0 if is_norm else params,
        norm=params if is_norm else 0,
        macs=_macs(owner, size) if whole is None else whole,
        elements=elements,
        pooling=next((role for role in _POOLINGS if has_role(layer, role)), None),
        output_shape=shape,
        is_whole=whole is not None,
    )


def _macs(owner: Owner, size: Sequence[int]) -> int:
    return sum(size[index] * times for index, times in owner.times.items()) + owner.product_macs


def _require_known(row: LayerCost, convention: str, count: Convention) -> None:
    for name in count.needs:
        if getattr(row.elements, name) is None:
            raise PruningError(
                f"cost: layer {row.name!r} ({row.kind}) works on maps of unknown size, "
                f"{row.output_shape}, and convention {convention!r} counts its {name}. Build the "
                "model with a fixed input size, or pass input_shape=."
            )


def _change(before: int, after: int) -> str:
    return f"{after / before - 1:+.1%}" if before else "-"


def _table(rows: Sequence[tuple[str, ...]], left: int) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
