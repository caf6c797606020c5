"""FP-FMC: redundancy of filters by clustering their maps (Li et al., Filter Pruning via Feature Map
Clustering, Intelligent Data Analysis 2023); steps 0 to 2 of its authors' program."""

from numbers import Integral
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from tfprune.criteria.fmc.cache import Cache
from tfprune.criteria.fmc.fingerprint import fingerprint
from tfprune.criteria.fmc.images import collect
from tfprune.criteria.fmc.redundancy import INDICES
from tfprune.criteria.fmc.steps import Progress, Steps
from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.passes.feature_maps import mapped_layers, single_images
from tfprune.scoring.method import Method

# The index grows with the size of a layer's clusters.
METHOD = Method(comparable=False, coupled="sum", samples=128)
# Of equal indices the filter with the lower number stays, as in the original's order, while
# selectors keep the later of equal scores; no layer has so many filters that these add up to 1.
_TIE = 2.0**-20
_USER = "Criterion 'fmc'"


def score(
    graph: ChannelGraph,
    data: Any,
    index: str = "label",
    seed: int = 0,
    cluster_stride: int = 1,
    cache_dir: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """Score each channel by how seldom its maps are clustered together with the same others.

    For each image and layer: the activated maps (`tfprune.passes.activated`; of a layer called
    several times those of its first call), scaled by their maximum, are laid out by t-SNE; points
    beyond Tukey's fences are outliers; the others' silhouettes give a number of clusters K (step
    0). With the layer's most frequent K, k-means labels the filters on every image (step 1). The
    redundancy index (step 2) sums over ordered pairs of images how large a group a filter shares in
    both. The score is its negative. (Li et al., Intelligent Data Analysis 2023, as their program
    has it.)

    t-SNE is done once per image: step 1 clusters the points of step 0, where the original
    embeds anew, other images besides. Images are taken as they come, each run by itself; all
    random numbers follow from seed, layer and image, so that neither batches nor order matter.
    Several workers do step 0 each for its share of the images, and tell one another what they
    have found.

    Args:
        graph: channel graph of the model.
        data: batches of inputs; the paper uses 128 training images. Labels are not needed.
        index: "label", or "literal" for the index as the original program computes it.
        seed: seed of the random numbers.
        cluster_stride: step between the numbers of clusters that are tried, 1 for all of them. 8
            makes step 0 of a layer of 512 filters about three times as fast; so do fewer images.
        cache_dir: folder where the steps are kept (step0_K, step1_labels [S, C], step2_index;
            images in the order of their digests), so that a run that was stopped goes on. Of
            several workers the chief alone has it.
        workers: processes of each worker; by default one per core.
        progress: called with (images done, images, seconds left) during step 0, which takes
            nearly all the time.

    Returns:
        {layer: float64 [C]}, minus the redundancy index, for the layers that make 2-D maps; less
        2**-20 times the channel's number, so that of equal ones the earlier stays.

    Raises:
        PruningError: no layer with maps, fewer than two images, maps that are not finite, a bad
            option, a cache made from something else, a model that a cache cannot tell from others.
    """
    _check_options(index, seed, cluster_stride, workers, progress)
    seed, cluster_stride = int(seed), int(cluster_stride)  # NumPy's do not go into JSON
    names = mapped_layers(graph, _USER)
    images = collect(single_images(data, graph.model, _USER))
    if len(images) < 2:
        raise PruningError(
            f"{_USER} compares pairs of images: expected at least 2 images, received "
            f"{len(images)}. Pass more, the paper takes 128."
        )
    made_from = {}
    if cache_dir is not None:
        options = {"seed": seed, "cluster_stride": cluster_stride}
        made_from = fingerprint(graph, names, images) | options
    steps = Steps(
        graph=graph,
        names=names,
        images=images,
        cache=Cache(cache_dir, made_from),
        seed=seed,
        stride=cluster_stride,
        workers=int(workers or joblib.cpu_count()),
        progress=progress,
        user=_USER,
    )
    indices = steps.indices(index)
    return {name: -value - _TIE * np.arange(len(value)) for name, value in indices.items()}


def _check_options(
    index: object, seed: object, cluster_stride: object, workers: object, progress: object
) -> None:
    if index not in INDICES:
        raise unknown("redundancy index (index=)", str(index), INDICES)
    if not isinstance(seed, Integral) or seed < 0:
        raise PruningError(f"fmc: seed must be a whole number from 0 on, received {seed!r}.")
    for name, value in (("cluster_stride", cluster_stride), ("workers", workers)):
        if value is None and name == "workers":
            continue
        if not isinstance(value, Integral) or value < 1:
            raise PruningError(f"fmc: {name} must be a whole number from 1 on, received {value!r}.")
    if progress is not None and not callable(progress):
        raise PruningError(
            "fmc: progress must be a function of (images done, images, seconds left), received "
            f"{progress!r}."
        )
