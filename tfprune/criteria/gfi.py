"""GFI-AP: mean maps of each class (Adaptive CNN filter pruning using global importance metric)."""

from collections.abc import Callable, Iterable
from functools import partial
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np

from tfprune.criteria._class_sums import COUNTS, GIGABYTE, Group, class_sums, groups
from tfprune.criteria._convolutions import convolutions, last_linear
from tfprune.criteria._labels import labelled_parts
from tfprune.criteria._passes import check_counts, check_readable
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import combine, require_uncoupled
from tfprune.passes.each import each
from tfprune.passes.keeping import part
from tfprune.passes.micro_batches import Part, micro_batch
from tfprune.passes.parts import peeked
from tfprune.passes.probe import Probe
from tfprune.passes.reader import require_rereadable
from tfprune.scoring.method import Method

METHOD = Method(
    selector="adaptive",
    scope="global",
    coupled="pin",
    amount={"ratio": 0.41},  # of ResNet-32 on CIFAR-10; 0.3 of ResNet-50
    samples=0,  # all training images
)
_USER = "criterion 'gfi'"
_HINT = "Correct the labels, or give the number of classes with classes="


def score(
    graph: ChannelGraph,
    data: Any,
    spatial: str = "mean",
    memory_gb: float = 4.0,
    classes: int | None = None,
    coupled: str = "pin",
) -> dict[str, np.ndarray]:
    """Score each filter by its strongest mean response to a class.

    Maps F are the outputs of the convolutions themselves, bias included, before normalisation and
    activation, also an activation of their own, the model run as at inference; of a layer called
    several times the last call counts. With M_k the mean of F over the images of class k,
    s_k is the mean over all positions of |M_k|, and the score is the largest s_k: responses whose
    sign changes from image to image of a class cancel. The numbers of different layers are compared
    as they are.

    Args:
        graph: channel graph of the model.
        data: batches of (inputs, class numbers [N]); the paper uses all training images, or
            128,000 of ImageNet. A data set that is read again must give the same images.
        spatial: "mean" over the positions, or "sum", which favours layers with large maps.
        memory_gb: gigabytes (1e9 bytes) that class sums may take at a time, 8 bytes for each
            class, position and channel: those of all images, and beside them those of the images
            that go through the model at a time, at most 32 classes of them. The maps of these
            themselves, in float64 while they are summed, come on top. Where all layers take more,
            they are done in groups, and a layer too big alone in slices of its channels: each
            takes another pass.
        classes: number of classes; by default the length of the model's output.
        coupled: "pin": layers that share channels with others stay whole and cost nothing, as in
            the paper; else their own scores are combined, see `tfprune.score`.

    Returns:
        {convolution: float64 [C]}, at least 0.

    Raises:
        PruningError: no convolution over images, no labels, labels out of range, a class without
            images, images of several sizes, several passes over what is read once, a bad option.
    """
    _check(spatial, memory_gb, classes)
    names = convolutions(graph, "gfi")
    if coupled == "pin":
        names = list(require_uncoupled(graph, dict.fromkeys(names)))
    classes = _classes(graph) if classes is None else int(classes)
    size = micro_batch(graph)

    def read() -> Iterable[Part]:
        return labelled_parts(data, graph.model, classes, _USER, _HINT, size=size)

    first, images = peeked(read())
    probe = Probe(graph, last_linear(graph, names))
    at_once = classes + min(classes, len(first[1]))
    parts = groups(_map_shapes(probe, first), at_once, memory_gb * GIGABYTE)
    check_readable(data, len(parts), memory_gb)
    own: dict[str, list[np.ndarray]] = {name: [] for name in names}
    waiting, seen = [images], None

    def again() -> Iterable[Part]:
        if not waiting:
            require_rereadable(
                data, "gfi has begun with other images, and would read all of these once more"
            )
        return waiting.pop() if waiting else read()

    for number, group in enumerate(parts):
        name = f"group_{number}"
        found = part(name, partial(_importance, probe, group, again, classes, spatial, name))
        check_counts(found[COUNTS], seen)
        seen = found.pop(COUNTS)
        for name, values in found.items():
            own[name].append(values)
    return combine(graph, {name: np.concatenate(pieces) for name, pieces in own.items()}, coupled)


def _importance(
    probe: Probe,
    group: Group,
    images: Callable[[], Iterable[Part]],
    classes: int,
    spatial: str,
    name: str,
) -> dict[str, np.ndarray]:
    """Return {layer: importance of the group's channels}, and the images per class.

    The sums stay within: those of two groups are never there at a time.
    """
    sums, counts = class_sums(probe, group, images, classes, name)
    check_counts(counts, None)
    found = {layer: importance(total, counts, spatial) for layer, total in sums.items()}
    return {**found, COUNTS: counts}


def importance(sums: np.ndarray, counts: np.ndarray, spatial: str = "mean") -> np.ndarray:
    """Return the largest class score of each filter, float64 [C].

    Args:
        sums: float64 [classes, H, W, C], the sum of the maps over the images of each class.
        counts: int [classes], the images of each class, at least 1.
        spatial: "mean" or "sum" over the positions.

    Example:
        >>> import numpy as np
        >>> sums = np.array([[[[4.0], [-2.0]]], [[[1.0], [1.0]]]])  # 2 classes, maps of 1 x 2
        >>> importance(sums, np.array([2, 1])).tolist()
        [1.5]
    """
    over = np.mean if spatial == "mean" else np.sum
    # Class by class: no second array as large as the sums.
    return np.max([over(np.abs(m), (0, 1)) / n for m, n in zip(sums, counts, strict=True)], 0)


def _map_shapes(probe: Probe, part: tuple) -> dict[str, tuple[int, ...]]:
    """Return {layer: (height, width, channels)} of the maps of one image."""
    image = keras.tree.map_structure(lambda x: x[:1], part[0])
    [(_, maps)] = each(probe, probe.first_sites, [(image,)])
    return {name: value.shape[1:] for name, value in maps.items()}


def _classes(graph: ChannelGraph) -> int:
    outputs = graph.model.outputs
    if len(outputs) != 1 or not outputs[0].shape[-1]:
        shapes = [tuple(x.shape) for x in outputs]
        raise PruningError(
            f"Criterion 'gfi' cannot tell the number of classes from the outputs {shapes} of "
            f"model {graph.model.name!r}: expected one of shape [N, classes]. Give classes=."
        )
    return outputs[0].shape[-1]


def _check(spatial: object, memory_gb: object, classes: object) -> None:
    if spatial not in ("mean", "sum"):
        raise PruningError(f"gfi: spatial must be 'mean' or 'sum', received {spatial!r}.")
    if not isinstance(memory_gb, Real) or not 0 < memory_gb < np.inf:
        raise PruningError(f"gfi: memory_gb must be a number above 0, received {memory_gb!r}.")
    whole = isinstance(classes, Integral) and not isinstance(classes, bool)
    if classes is not None and not (whole and classes > 0):
        raise PruningError(f"gfi: classes must be a whole number from 1 on, received {classes!r}.")
