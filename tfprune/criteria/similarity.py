"""Similarity of feature maps by perceptual hashes (Li et al., Pattern Recognition Letters 2023)."""

from itertools import islice
from typing import Any

import numpy as np

from tfprune.criteria._convolutions import convolutions, last_linear
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import require_uncoupled
from tfprune.passes.feature_maps import feature_maps, single_images
from tfprune.scoring.method import Method

METHOD = Method(selector="similarity", coupled="leader", amount={"threshold": 0.7}, samples=100)
CROP = 8  # lowest frequencies per axis that make the hash
IMAGES = 50  # whose hashes are compared at a time
_USER = "Criterion 'similarity'"


def score(graph: ChannelGraph, data: Any, coupled: str = "leader") -> dict[str, np.ndarray]:
    """Compare all feature maps of each convolution with one another.

    A map's hash says which of its 8x8 lowest DCT-II coefficients reach their mean, the constant
    term included; the similarity of two channels is the share of equal bits, averaged over the
    images. Maps are the outputs of the convolutions themselves, before normalisation and
    activation, also an activation of its own; of a layer called several times the last call
    counts.

    Args:
        graph: channel graph of the model.
        data: batches of inputs; the paper uses 100 training images, 50 for VGG-16. Labels are
            not needed.
        coupled: "leader": of coupled layers the one nearest to the input decides for all, as in
            the paper's ResNets; "mean": their similarities are averaged, where they share all
            their channels; "pin": they stay whole. Similarities cannot be summed.

    Returns:
        {convolution: float64 [C, C]} in [0, 1], symmetric.

    Raises:
        PruningError: no convolution over images, no data, maps that are not finite, a bad option.
    """
    if coupled == "sum":
        raise PruningError(
            "similarity: coupled='sum' is not defined, for similarities stay within [0, 1]. Use "
            "'leader', 'mean' or 'pin'."
        )
    names = convolutions(graph, "similarity")
    agreement, count = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    # One by one: the last digits of a map may depend on the batch, and a bit on them.
    images = single_images(data, graph.model, _USER)
    hashed = feature_maps(graph, last_linear(graph, names), images, _USER, _hashes)
    for some in iter(lambda: list(islice(hashed, IMAGES)), []):
        for name in names:
            bits = np.concatenate([image[name] for image in some])
            agreement[name] = agreement[name] + agreements(bits)
            count[name] += len(bits)
    own = {name: agreement[name] / count[name] for name in names}
    if coupled == "pin":
        return require_uncoupled(graph, own)
    return _means(graph, own) if coupled == "mean" else own  # the selector follows the leaders


def _hashes(maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the hashes of an image's maps, {layer: bool [bits, C]}, from maps [1, H, W, C]."""
    return {name: hashes(np.float64(value)) for name, value in maps.items()}


def _means(graph: ChannelGraph, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Average the similarities of layers with the same units, in the same order."""
    alike: dict[bytes, list[np.ndarray]] = {}
    for name, matrix in own.items():
        alike.setdefault(graph.units_of(name).tobytes(), []).append(matrix)
    return {name: np.mean(alike[graph.units_of(name).tobytes()], axis=0) for name in own}


def hashes(maps: np.ndarray) -> np.ndarray:
    """Return the hash of every map: bool [N * bits, C], from maps [N, H, W, C].

    Example:
        >>> import numpy as np
        >>> hashes(np.ones((1, 2, 2, 1))).ravel().tolist()  # only the constant term
        [True, False, False, False]
    """
    rows, columns = (_cosines(size) for size in maps.shape[1:3])
    count, height, width, channels = maps.shape
    low = rows @ maps.reshape(count, height, width * channels)
    low = columns @ low.reshape(count, len(rows), width, channels)
    bits = low >= low.mean(axis=(1, 2), keepdims=True)
    return bits.reshape(-1, channels)


def _cosines(size: int) -> np.ndarray:
    """Return the lowest rows of the unnormalised DCT-II matrix, [min(8, size), size]."""
    k, n = np.arange(min(CROP, size))[:, None], np.arange(size)
    return 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * size))


def agreements(bits: np.ndarray) -> np.ndarray:
    """Return how many bits each pair of channels has equal, exactly, [C, C]."""
    signs = np.where(bits, np.float32(1), np.float32(-1))  # sums of ±1 are exact in float32
    return (signs.T @ signs + len(bits)).astype(np.float64) / 2
