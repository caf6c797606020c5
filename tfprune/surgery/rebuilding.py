"""Rebuild a smaller model from keep masks: stock layers, fewer channels, the same numbers."""

from collections.abc import Mapping

import keras
import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.surgery.builder import Builder
from tfprune.surgery.compile_state import compile_like, copy_slots
from tfprune.surgery.masks import kept_ids


def rebuild(
    graph: ChannelGraph, keep: Mapping[str, np.ndarray], *, optimizer_state: bool = False
) -> keras.Model:
    """Build the smaller model that computes what the masked one computes.

    Args:
        graph: channel graph of the model, from `tfprune.analyse`.
        keep: {layer name: bool [C], True = kept}; layers left out are kept whole.
        optimizer_state: also carry the optimizer's slots (momenta) over, so that a training can
            go on; the model must be compiled and its optimizer used.

    Returns:
        A new model: names, dtype policies, `trainable` flags, regularisers and the compile state
        are the old one's; the old model is untouched.

    Raises:
        PruningError: masks that do not fit the graph; nothing has been built then.

    Example:
        >>> import keras, numpy as np, tfprune
        >>> image = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(4, 3, name="stem")(image)
        >>> model = keras.Model(image, keras.layers.Conv2D(2, 1, name="head")(x))
        >>> keep = {"stem": np.array([True, False, True, True])}
        >>> tfprune.rebuild(tfprune.analyse(model), keep).get_layer("stem").filters
        3
    """
    builder = Builder(graph, kept_ids(graph, keep))
    model = builder.build()
    compile_like(model, graph.model)
    if optimizer_state:
        copy_slots(model, graph.model, builder.compress)
    return model
