"""HRank: rank of the feature maps (Lin et al., HRank: Filter Pruning using High-Rank Feature Map,
CVPR 2020, section 3.2)."""

from typing import Any

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.feature_maps import feature_maps, mapped_layers, single_inputs
from tfprune.scoring.method import Method

# A rank is at most the shorter side of the map.
METHOD = Method(comparable=False, samples=500)
_USER = "Criterion 'hrank'"


def score(graph: ChannelGraph, batches: Any) -> dict[str, np.ndarray]:
    """Score each channel by the rank of its activated maps, averaged over the images.

    The rank of an H x W map is the number of its singular values above the largest one times max(H,
    W) times the epsilon of float32. Maps are taken after the activation that follows the layer
    (`tfprune.passes.tap_points`), behind the sum in a residual block; of a layer called several
    times those of its first call count.

    Args:
        graph: channel graph of the model.
        batches: batches of inputs; the paper uses 500 images. Labels are not needed.

    Returns:
        {layer: float64 [C]} in [0, min(H, W)], for the layers that make 2-D maps.

    Raises:
        PruningError: no layer with maps, no data, maps that are not finite.
    """
    names = mapped_layers(graph, _USER)
    total = {name: np.zeros(graph.channels(name)) for name in names}
    count = 0
    # One by one: in a batch the last digits of a map differ, and with them a rank now and then.
    images = ((image, None) for image in single_inputs(batches, _USER))
    for maps in feature_maps(graph, names, images, _USER):
        for name, value in maps.items():
            total[name] += np.linalg.matrix_rank(np.moveaxis(value, -1, 1)).sum(axis=0)
        count += len(value)
    return {name: ranks / count for name, ranks in total.items()}
