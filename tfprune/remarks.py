"""What is worth knowing about a choice of channels."""

from collections.abc import Mapping

import numpy as np

from tfprune import plugins, selection
from tfprune.channel_graph import ChannelGraph
from tfprune.scoring import Scores


def remarks(graph: ChannelGraph, scores: Scores, keep: Mapping[str, np.ndarray]) -> list[str]:
    """Return one line for each surprise: nothing removed, layers at their last channel, guards.

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
        >>> remarks(graph, scores, tfprune.select(graph, scores, threshold=0))
        ['nothing is removed']
    """
    if all(mask.all() for mask in keep.values()):
        return ["nothing is removed"]
    last = [name for name in scores if keep[name].sum() == 1 < graph.channels(name)]
    found = [f"down to their last channel: {', '.join(last)}"] if last else []
    selector = plugins.find(selection, scores.selector, "selector")
    own = getattr(selector, "remarks", None)
    return found + (own(scores, keep) if own else [])
