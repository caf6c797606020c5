"""What the VGG layouts share: how the features are counted."""

import re
from collections.abc import Iterator, Sequence

_CONVOLUTION = re.compile(r"stage(\d)_conv\d+")


def convolutions(layers: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each convolution's name, the convolutions before it and the poolings before it.

    Args:
        layers: names of Keras layers in the model's order.

    Example:
        >>> list(convolutions(["stage1_conv1", "stage1_conv1_bn", "stage2_conv1"]))
        [('stage1_conv1', 0, 0), ('stage2_conv1', 1, 1)]
    """
    found = [match for name in layers if (match := _CONVOLUTION.fullmatch(name))]
    for count, match in enumerate(found):
        yield match[0], count, int(match[1]) - 1


def has_norm(layers: Sequence[str]) -> bool:
    """Return whether batch normalisation follows the convolutions.

    Example:
        >>> has_norm(["stage1_conv1", "stage1_conv1_bn"])
        True
    """
    return any(name.endswith("_bn") and _CONVOLUTION.fullmatch(name[:-3]) for name in layers)
