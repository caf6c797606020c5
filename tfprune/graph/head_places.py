"""Which place within its head each channel of a layer has."""

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph


def place_numbers(graph: ChannelGraph, name: str, ids: np.ndarray) -> np.ndarray:
    """Return which of the places of a name each id belongs to, int [N]; -1 to none.

    Args:
        graph: channel graph of the model.
        name: of what makes channels, such as "query/size".
        ids: int [N], e.g. those of the layer "query".

    Example:
        >>> import keras, tfprune
        >>> from keras import layers, ops
        >>> image = keras.Input((4, 6))
        >>> heads = [ops.reshape(layers.Dense(6, name=name)(image), (-1, 4, 2, 3))
        ...          for name in ("query", "key")]
        >>> graph = tfprune.analyse(keras.Model(image, ops.einsum("nths,nuhs->nhtu", *heads)))
        >>> place_numbers(graph, "query/size", graph.producers["query"]).tolist()
        [0, 1, 2, 0, 1, 2]
    """
    units, first = np.unique(graph.units_of(name), return_index=True)  # of equal ones the first
    second = graph.second[ids]
    place = np.minimum(np.searchsorted(units, second), len(units) - 1)
    is_known = (units[place] == second) & (second != graph.unit[ids])
    return np.where(is_known, first[place], -1)
