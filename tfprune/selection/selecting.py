"""Turn scores into keep masks."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from tfprune.costs.timing.table import LatencyTable
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores
from tfprune.selection.options import SelectionOptions, SelectorOptions
from tfprune.selection.parsing import parsed


def select(  # noqa: PLR0913 - every way to say how much is a keyword of one level
    graph: ChannelGraph,
    scores: Mapping[str, np.ndarray],
    *,
    ratio: float | None = None,
    ratios: Mapping[str, float] | None = None,
    counts: Mapping[str, int] | None = None,
    macs: float | None = None,
    params: float | None = None,
    latency: float | None = None,
    threshold: float | None = None,
    scope: str | None = None,
    min_channels: int = 1,
    round_to: int | None = None,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    input_shape: Sequence[Any] | None = None,
    table: LatencyTable | str | os.PathLike | None = None,
    runtime: str | None = None,
    batch_size: int | None = None,
    **options: Unpack[SelectorOptions],
) -> dict[str, np.ndarray]:
    """Choose the channels to keep; exactly one of the first seven options says how many.

    Args:
        graph: channel graph of the model.
        scores: {layer name: float64 [C]}, higher = keep, from `tfprune.score` or your own.
        ratio: share of the channels removed, in [0, 1): of every layer alike, with scope="global"
            of all layers together, or with "isomorphic" of all units that are built alike ("gfbs"
            and "gfi": fewer, where a layer would vanish).
        ratios: {layer name: share removed}; layers left out stay whole unless coupled to one.
        counts: {layer name: channels that it keeps}; layers left out stay whole unless coupled.
        macs: share of the multiply-accumulates that is left, in (0, 1], hit as closely as one
            unit allows, or with "similarity" and "gfi" as one threshold for all layers does.
        params: share of the weights that is left, likewise.
        latency: share of a batch's time that is left, in (0, 1]: chosen from measured times per
            layer and width, then measured on the whole model and corrected; within 5 % of it.
        threshold: what the scores' selector understands by it: the similarity from which
            channels are alike, the share of a layer's support that is kept ("fgp"), the score up
            to which a filter goes ("gfi"); in a ranking, the score below which a channel goes.
        scope: "layer": layers shrink alike; "global": one ranking over all layers; "isomorphic":
            one ranking for each set of units that are built alike, which all lose the same
            share to the nearest unit (Fang et al. 2024). By default as the criterion's paper does:
            global for "gfbs" and "gfi", layer for "l1" and most.
        min_channels: channels that every layer keeps at least.
        round_to: a layer that loses channels keeps a multiple of this. By default 1, with
            `latency` that of 1, 4, 8, 16 and 32 which keeps most weights in the same time, and
            with `macs` or `params` and a `runtime` that which is fastest there.
        include: patterns (as in a shell) of layer names; only these layers are pruned.
        exclude: patterns of layer names that are not pruned.
        input_shape: (height, width, channels) of an image to count `macs` for, where the model's
            own is open or another one; a list of shapes where the model has several inputs. So
            with `latency`.
        table: the measured times for `latency`, of `tfprune.latency_table` or its file, perhaps of
            another device: then the time is predicted. Without it they are measured here.
        runtime: where time counts, as for `tfprune.latency`: "keras", "tflite", "onnx", ...; with
            `latency` and no table, or with `macs` or `params` and no `round_to`.
        batch_size: beside `runtime`, samples per call; 1 by default.
        **options: the selector's own options, e.g. `cap=True` for the scores of "gfi".

    Returns:
        {layer name: bool [C], True = kept} for every layer that makes channels; coupled layers
        keep the same ones.

    Raises:
        PruningError: none or several amounts, a value out of range, a pattern that matches no
            layer, an unknown layer, scores that are not finite, a target out of reach or missed.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> graph = tfprune.analyse(model)
        >>> keep = tfprune.select(graph, tfprune.score(graph, "l1", None), ratio=0.5)
        >>> int(keep["hidden"].sum())
        4
    """
    amounts: SelectionOptions = {
        "ratio": ratio, "ratios": ratios, "counts": counts, "macs": macs, "params": params,
        "latency": latency, "table": table, "runtime": runtime, "batch_size": batch_size,
        "threshold": threshold, "scope": scope, "min_channels": min_channels,
        "round_to": round_to, "include": include, "exclude": exclude,
        "input_shape": input_shape,
    }  # fmt: skip
    return choose(graph, scores, **amounts, **options)[0]


def choose(
    graph: ChannelGraph, scores: Mapping[str, np.ndarray], **options: Unpack[SelectionOptions]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the keep masks of `select`, and a line for each guard of the method that held.

    Args:
        graph: as for `select`.
        scores: as for `select`.
        **options: the options of `select`.

    Raises:
        PruningError: as `select`.
    """
    if not isinstance(graph, ChannelGraph) or not isinstance(scores, Mapping):
        raise PruningError(
            "select: expected the channel graph of tfprune.analyse(model) and scores as {layer "
            f"name: [C]}}, received {type(graph).__name__} and {type(scores).__name__}."
        )
    if not isinstance(scores, Scores):
        scores = Scores("given", scores)
    if not scores:
        raise PruningError(
            f"select: criterion {scores.criterion!r} scored no layer, so there is nothing to "
            "choose from."
        )
    selection = parsed(scores.selector, **options)
    selection.check(graph)
    return selection.choose(graph, scores)


def extremes(graph: ChannelGraph, scores: Scores, keep: Mapping[str, np.ndarray]) -> list[str]:
    """Return a line where nothing is removed, or layers are down to their last channel.

    Args:
        graph: channel graph of the model.
        scores: what the channels were chosen by.
        keep: {layer: bool [C], True = kept}.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...                           keras.layers.Dense(2)])
        >>> graph = tfprune.analyse(model)
        >>> scores = tfprune.score(graph, "l1", None)
        >>> extremes(graph, scores, tfprune.select(graph, scores, threshold=0))
        ['nothing is removed']
    """
    if all(mask.all() for mask in keep.values()):
        return ["nothing is removed"]
    last = [name for name in scores if keep[name].sum() == 1 < graph.channels(name)]
    return [f"down to their last channel: {', '.join(last)}"] if last else []
