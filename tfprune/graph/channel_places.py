"""Where channels lie in a tensor."""

from collections import Counter
from typing import Any

import numpy as np

from tfprune.graph.channels import Channels


def find_places(wanted: np.ndarray, line: np.ndarray) -> np.ndarray | None:
    """Return the places of numbers in a line, of equal ones in turn; None if there are too few.

    Args:
        wanted: int [C], ids or units.
        line: int [K], those of a tensor along its channel axis.

    Example:
        >>> find_places(np.array([7, 5, 7]), np.array([5, 7, 3, 7])).tolist()
        [1, 0, 3]
    """
    free: dict[int, list[int]] = {}
    for place in reversed(range(len(line))):
        free.setdefault(int(line[place]), []).append(place)
    if any(count > len(free.get(number, ())) for number, count in Counter(wanted.tolist()).items()):
        return None
    return np.array([free[number].pop() for number in wanted.tolist()])


def channel_axis(channels: Channels, default: int) -> int:
    """Return the axis that a tensor's channels lie along; a single channel shows none.

    Example:
        >>> channel_axis(Channels(np.arange(3).reshape(1, 1, 3), (None, 8, 3)), default=1)
        2
    """
    return channels.varying[0] if channels.varying else default % len(channels.shape)


def is_channels_first(layer: Any) -> bool:
    """Tell whether a layer's maps are [N, C, ...].

    Example:
        >>> import keras
        >>> is_channels_first(keras.layers.Conv2D(4, 3, data_format="channels_first"))
        True
    """
    return getattr(layer, "data_format", None) == "channels_first"
