"""One score for the channels of several layers that live or die together."""

from collections.abc import Callable, Mapping

import numpy as np

from tfprune.errors import PruningError, require_known
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_graph import depths

WAYS = ("pin", "leader", "mean", "sum")


def combine(
    graph: ChannelGraph, values: Mapping[str, np.ndarray], how: str, *, shares: bool = False
) -> dict[str, np.ndarray]:
    """Give coupled channels one score each; layers that share no channels keep theirs.

    Args:
        graph: channel graph of the model.
        values: {layer: float64 [C]}, each layer's own scores.
        how: "mean" or "sum" over the coupled channels that are scored; "leader" for the scores of
            the layer nearest to the input; "pin" to leave all coupled layers out, so that they
            stay whole.
        shares: divide each coupled layer's scores by their sum before they are combined.

    Returns:
        {layer: float64 [C]}, equal for channels that live or die together.

    Raises:
        PruningError: another way, or "pin" where every layer is coupled.

    Example:
        >>> import keras, numpy, tfprune
        >>> x = keras.Input((2,))
        >>> branches = [keras.layers.Dense(2, name=name)(x) for name in "ab"]
        >>> y = keras.layers.Dense(1)(keras.layers.Add()(branches))
        >>> graph = tfprune.analyse(keras.Model(x, y))
        >>> own = {"a": numpy.array([1.0, 2.0]), "b": numpy.array([3.0, 0.0])}
        >>> combine(graph, own, "mean")["b"].tolist()
        [2.0, 1.0]
    """
    check_way(how)
    coupled = [name for name in values if graph.groups[name]]
    alone = {name: value for name, value in values.items() if not graph.groups[name]}
    if how == "pin":
        return require_uncoupled(graph, values)
    if how == "leader":
        coupled.sort(key=distance(graph))
    total, count = np.zeros(len(graph.is_pinned)), np.zeros(len(graph.is_pinned))
    for name in coupled:
        units, value = graph.units_of(name), np.asarray(values[name], np.float64)
        if shares and value.sum() > 0:
            value = value / value.sum()
        open_ones = count[units] == 0 if how == "leader" else slice(None)
        np.add.at(total, units[open_ones], value[open_ones])
        np.add.at(count, units[open_ones], 1)
    if how != "sum":
        total /= np.maximum(count, 1)
    joined = {name: total[graph.units_of(name)] for name in coupled}
    return {name: alone[name] if name in alone else joined[name] for name in values}


def require_uncoupled(
    graph: ChannelGraph, values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the values of the layers that share no channels with another.

    Raises:
        PruningError: there is none.
    """
    alone = {name: value for name, value in values.items() if not graph.groups[name]}
    if values and not alone:
        raise PruningError(
            f"coupled='pin' leaves nothing to prune: all {len(values)} scored layers of model "
            f"{graph.model.name!r} share channels with others. Use 'mean', 'sum' or 'leader'."
        )
    return alone


def check_way(how: object) -> None:
    """Refuse a name that is none of `WAYS`."""
    require_known("way for coupled layers (coupled=)", how, WAYS)


def leaders(graph: ChannelGraph, names: Mapping[str, object]) -> dict[int, str]:
    """Return {unit: the one of the named layers nearest to the input that has channels of it}."""
    found: dict[int, str] = {}
    for name in sorted(names, key=distance(graph)):
        for unit in graph.units_of(name).tolist():
            found.setdefault(unit, name)
    return found


def together(graph: ChannelGraph, name: str) -> set[str]:
    """Return a layer and all that share channels with it, directly or through others."""
    found, waiting = set(), [name]
    while waiting:
        layer = waiting.pop()
        if layer not in found:
            found.add(layer)
            waiting += graph.groups[layer]
    return found


def distance(graph: ChannelGraph) -> Callable[[str], int]:
    """Return a key that sorts layers by their calls from the input on."""
    depth = depths(graph.model)
    return lambda name: depth[id(graph.owners[name].operation)]
