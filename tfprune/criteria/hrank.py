"""HRank: rank of the feature maps (Lin et al., HRank: Filter Pruning using High-Rank Feature Map,
CVPR 2020, section 3.2)."""

from typing import Any

import numpy as np

from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.activated import activated
from tfprune.passes.feature_maps import feature_maps, mapped_layers, single_images
from tfprune.passes.means import Means
from tfprune.scoring.method import Method

# A rank is at most the shorter side of the map.
METHOD = Method(comparable=False, samples=500)
_USER = "Criterion 'hrank'"


def score(graph: ChannelGraph, data: Any) -> dict[str, np.ndarray]:
    """Score each channel by the rank of its activated maps, averaged over the images.

    The rank of an H x W map is the number of its singular values above the largest one times max(H,
    W) times the epsilon of float32. Maps are taken after the activation that follows the layer
    (`tfprune.passes.activated`), behind the sum in a residual block; of a layer called several
    times those of its first call count.

    Args:
        graph: channel graph of the model.
        data: batches of inputs; the paper uses 500 images. Labels are not needed.

    Returns:
        {layer: float64 [C]} in [0, min(H, W)], for the layers that make 2-D maps.

    Raises:
        PruningError: no layer with maps, no data, maps that are not finite.
    """
    names = mapped_layers(graph, _USER)
    means = Means()
    # One by one: in a batch the last digits of a map differ, and with them a rank now and then.
    images = single_images(data, graph.model, _USER)
    for ranks in feature_maps(graph, activated(graph, names), images, _USER, _ranks):
        means.add(ranks, samples=1)
    return means.over_samples(_USER)


def _ranks(maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the ranks of an image's maps, {layer: int [C]}, from maps [1, H, W, C]."""
    return {
        name: np.linalg.matrix_rank(np.moveaxis(value, -1, 1))[0] for name, value in maps.items()
    }
