"""Measure a model layer by layer at several widths."""

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tfprune import plugins
from tfprune.costs.timing.blocks import Block, blocks
from tfprune.costs.timing.layer_times import GRANULARITIES, LayerTimes, between, grid
from tfprune.costs.timing.measuring import latencies
from tfprune.costs.timing.runners import Runner
from tfprune.costs.timing.table import LatencyTable, Setting, device
from tfprune.costs.timing.turns import by_turns, check_batch_sizes
from tfprune.errors import PruningError
from tfprune.exporting import _signature, formats
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.progress import teller
from tfprune.surgery.rebuilding import rebuild

_SHARES = (0.25, 0.5, 1.0)  # of each axis of a layer with up to two, else a half and the whole
_LEAST = 0.05  # of a call: what a layer takes at least, since two medians differ by chance


def latency_table(
    graph: ChannelGraph,
    runtime: str = "keras",
    batch_size: int = 1,
    *,
    threads: int | None = None,
    clock: str = "wall",
    repeats: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> LatencyTable:
    """Measure what each layer of a model takes at several widths, on this machine.

    Layers with kernels are timed together with the normalisation and activation that follow them,
    at a quarter, a half and the whole of each axis, and near the half at widths that 32, 16, 8 and
    4 do not divide, less the time of a call that computes nothing. The whole model is timed, too,
    and one with half of each layer's channels.

    Args:
        graph: channel graph of the model.
        runtime: as for `tfprune.latency`.
        batch_size: samples per call.
        threads: as for `tfprune.latency`.
        clock: as for `tfprune.latency`.
        repeats: timed calls of each layer at each width.
        progress: told after each kind of layer how many are done, and of how many.

    Returns:
        The table; `.save(path)` keeps it, and `tfprune.select(..., latency=0.5, table=path)`
        reads it, also on another machine.

    Raises:
        PruningError: as `tfprune.latency`, maps of unknown size, or no layer with a kernel.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((64,), name="x"), keras.layers.Dense(64),
        ...                           keras.layers.Dense(8)])
        >>> table = tfprune.latency_table(tfprune.analyse(model), repeats=3)
        >>> sorted(table.layers)[0].startswith("dense")
        True
    """
    check_batch_sizes((batch_size,))
    setting = Setting(runtime, batch_size, threads, clock, device())
    found: dict[str, LayerTimes] = {}
    kinds: dict[str, list[str]] = {}
    members = blocks(graph)
    for name, block in members.items():
        kinds.setdefault(block.signature(), []).append(name)
    if not kinds:
        raise PruningError(
            f"latency: model {graph.model.name!r} has no layer with a kernel to measure."
        )
    keep = _halved(graph)
    models = (graph.model, rebuild(graph, keep))
    options = {"threads": threads, "clock": clock, "repeats": repeats}
    # First: a model that the runtime cannot hold is refused before its layers are measured.
    whole = latencies(models, (batch_size,), runtime, **options)
    told = teller(progress, "kinds of layers", len(kinds))
    for done, names in enumerate(kinds.values()):
        times = _measured(members[names[0]], setting, repeats)
        found |= {name: replace(times, calls=members[name].calls) for name in names}
        told(done + 1, len(kinds))
    sums = (layer_sum(graph, found, own) for own in ({}, keep))
    pairs = tuple((total, own.seconds) for total, (own,) in zip(sums, whole, strict=True))
    return LatencyTable(setting, found, pairs)


def layer_sum(
    graph: ChannelGraph, layers: Mapping[str, LayerTimes], keep: Mapping[str, np.ndarray]
) -> float:
    """Return the seconds of all layers together.

    Args:
        graph: channel graph of the model.
        layers: their times.
        keep: {layer: bool [C]}, True = kept; layers left out are whole.
    """
    kept = np.ones(len(graph.is_pinned), bool)
    for name, mask in keep.items():
        kept[graph.units_of(name)[~mask]] = False
    found = blocks(graph)
    return sum(
        times(*(int(kept[graph.unit[ids]].sum()) for ids in found[name].axes)).item()
        for name, times in layers.items()
    )


def _measured(block: Block, setting: Setting, repeats: int) -> LayerTimes:
    """Return a block's times: of the grid, and of widths of each granularity between."""
    widths, free = block.widths, block.free
    shares = _SHARES if len(widths) <= 2 else _SHARES[1:]
    grids = [grid(width, free=may, shares=shares) for width, may in zip(widths, free, strict=True)]
    points = list(itertools.product(*grids))
    uneven = list(_uneven(grids))
    seconds = _timed(block, [*points, *(point for *_, point in uneven)], setting, repeats)
    table = np.array(seconds[: len(points)]).reshape([len(own) for own in grids])
    even = LayerTimes(tuple(grids), table, ({},) * len(grids))
    factors: list[dict[int, float]] = [{} for _ in grids]
    for (axis, size, point), taken in zip(uneven, seconds[len(points) :], strict=True):
        factors[axis][size] = max(taken / max(even(*point).item(), 1e-9), 1.0)
    return replace(even, factors=tuple(factors))


def _uneven(
    grids: Sequence[tuple[int, ...]],
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield (axis, granularity, widths): one axis between, the others in the middle."""
    middle = [own[len(own) // 2] for own in grids]
    for axis, own in enumerate(grids):
        for size, width in between(own).items():
            yield axis, size, (*middle[:axis], width, *middle[axis + 1 :])


def _timed(
    block: Block, points: Sequence[Sequence[int]], setting: Setting, repeats: int
) -> list[float]:
    """Return the seconds at each point, less those of a call that computes nothing.

    Within a model no layer is called from outside: calls would count once per layer, not once.
    """
    models = [block.model(point) for point in points]
    shapes = [tuple(model.inputs[0].shape) for model in models]
    empty = {shape: block.empty(point) for shape, point in zip(shapes, points, strict=True)}
    seconds = _called([*models, *empty.values()], setting, repeats)
    calls = dict(zip(empty, seconds[len(models) :], strict=True))
    pairs = zip(seconds[: len(models)], shapes, strict=True)
    return [max(taken - calls[shape], _LEAST * taken) for taken, shape in pairs]


def _called(models: Sequence[keras.Model], setting: Setting, repeats: int) -> list[float]:
    module = plugins.find(formats, setting.runtime, "export format")
    if hasattr(module, "parts"):
        calls, placed = module.parts(models, setting.threads), getattr(module, "placed", list)
        made = [
            _bound(call, placed(_signature.example_inputs(model, setting.batch_size)))
            for call, model in zip(calls, models, strict=True)
        ]
        return _medians(made, setting, repeats)
    return [_alone(model, setting, repeats) for model in models]


def _alone(model: keras.Model, setting: Setting, repeats: int) -> float:
    with Runner(model, setting.runtime, setting.threads) as runner:
        return _medians([runner.on_samples(setting.batch_size)], setting, repeats)[0]


def _medians(calls: Sequence[Callable[[], Any]], setting: Setting, repeats: int) -> list[float]:
    times = by_turns(calls, repeats=repeats, warm_up=2, clock=setting.clock)
    return [statistics.median(own) for own in times]


def _bound(call: Callable[[Any], Any], inputs: list[np.ndarray]) -> Callable[[], Any]:
    return lambda: call(inputs)


def _halved(graph: ChannelGraph) -> dict[str, np.ndarray]:
    """Return the masks of a model with half of each layer's channels, as far as they may go."""
    gone = np.zeros(len(graph.is_pinned), bool)
    for name in graph.producers:
        units = graph.units_of(name)
        half = int(np.ceil(len(units) / 2 / GRANULARITIES[0])) * GRANULARITIES[0]
        gone[units[half if half < len(units) else (len(units) + 1) // 2 :]] = True
    gone &= ~(graph.is_pinned | graph.waits)
    for owner in graph.owners.values():
        for ids in owner.needed:
            if gone[graph.unit[ids]].all():
                gone[graph.unit[ids[0]]] = False
    return graph.masks(gone)
