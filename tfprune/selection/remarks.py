"""What is worth knowing about a choice of channels."""

from collections.abc import Mapping

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.scoring.scores import Scores


def remarks(graph: ChannelGraph, scores: Scores, keep: Mapping[str, np.ndarray]) -> list[str]:
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
        >>> remarks(graph, scores, tfprune.select(graph, scores, threshold=0))
        ['nothing is removed']
    """
    if all(mask.all() for mask in keep.values()):
        return ["nothing is removed"]
    last = [name for name in scores if keep[name].sum() == 1 < graph.channels(name)]
    return [f"down to their last channel: {', '.join(last)}"] if last else []
