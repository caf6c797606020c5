"""What the loss of each class counts, so that classes of few pixels are learnt too."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from tfprune.data.dataset import DataSet
from tfprune.errors import PruningError, unknown

# Of a class's share of the pixels, relative to the median's of all classes.
BALANCES: MappingProxyType[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"median": np.reciprocal, "median_sqrt": lambda share: share**-0.5}
)


def balanced(data: DataSet, how: str = "median") -> list[float]:
    """Return weights by the pixels that each class has in the training masks.

    A class's share f is of the pixels of those images that show it, void left out.

    Args:
        data: a data set with masks.
        how: "median": median(f) / f, by which all classes count alike; "median_sqrt": the root of
            that, between it and no weights.

    Returns:
        One weight per class; 0 for one without a pixel.

    Raises:
        PruningError: another name, or a data set without masks.

    Source: Eigen and Fergus 2015, section 6.1 (median frequency balancing).
    """
    if how not in BALANCES:
        raise unknown("class_weight", how, BALANCES)
    if data.colours is None:
        raise PruningError(
            f"class_weight={how!r} has no effect on the data set {data.name!r}, whose labels are "
            "no masks. Leave it out."
        )
    classes = data.num_classes
    pixels, seen = np.zeros(classes), np.zeros(classes)
    for place in data.train.places:
        labels = data.train.source.mask(place)
        counts = np.bincount(labels.ravel(), minlength=classes)[:classes]
        pixels += counts
        seen += (counts > 0) * counts.sum()
    there = pixels > 0
    share = pixels[there] / seen[there]
    weights = np.zeros(classes)
    weights[there] = BALANCES[how](share / np.median(share))
    return weights.tolist()
