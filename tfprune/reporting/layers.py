"""What pruning did to each layer, as plain values."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfprune.costs.conventions import CONVENTIONS
from tfprune.costs.model_cost import cost
from tfprune.graph.channel_graph import ChannelGraph


def layer_rows(
    graph: ChannelGraph, keep: Mapping[str, np.ndarray], small: keras.Model
) -> list[dict[str, Any]]:
    """Return what each layer that makes channels kept, why the rest had to stay, and its cost.

    Args:
        graph: channel graph of the unpruned model.
        keep: {layer: bool [C], True = kept}.
        small: the pruned model; its layers have the same names.

    Example:
        >>> import keras, numpy, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
        ...                           keras.layers.Dense(2, name="head")])
        >>> graph = tfprune.analyse(model)
        >>> keep = tfprune.select(graph, tfprune.score(graph, "l1", None), ratio=0.5)
        >>> rows = layer_rows(graph, keep, tfprune.rebuild(graph, keep))
        >>> [(row["layer"], row["kept"], row["channels"], row["macs_after"]) for row in rows]
        [('hidden', 4, 8, 16), ('head', 2, 2, 8)]
    """
    before, after = _costs(graph.model), _costs(small)
    return [
        {
            "layer": name,
            "kind": type(graph.owners[name].operation).__name__,
            "kept": int(np.sum(mask)),
            "channels": len(mask),
            "free": int(graph.free(name).sum()),
            "pinned": _reasons(graph, name),
            "coupled_with": list(graph.groups[name]),
            **{
                f"{what}_{when}": found.get(name, (None, None))[place]
                for place, what in enumerate(("parameters", "macs"))
                for when, found in (("before", before), ("after", after))
            },
        }
        for name, mask in keep.items()
    ]


def _costs(model: keras.Model) -> dict[str, tuple[int, int]]:
    count = CONVENTIONS["mac"]
    return {row.name: (count.params(row), count.macs(row)) for row in cost(model).rows}


def _reasons(graph: ChannelGraph, name: str) -> str:
    units = [unit for unit in graph.units_of(name).tolist() if unit in graph.pinned]
    found = Counter(graph.pinned[unit] for unit in units)
    return "; ".join(found) if found else ""
