"""GoogLeNet for CIFAR of HRank, HRankPlus and FP-FMC."""

import re
from collections.abc import Sequence

_UNIT = re.compile(r"([a-e][345])_(\w+)_(conv|bn)")
_FIXED = {"stem_conv": "pre_layers.0", "stem_bn": "pre_layers.1", "classifier": "linear"}
# The branch, and the convolution's place in it; its normalisation comes next.
_UNITS = {
    "1x1": ("branch1x1", 0),
    "3x3_reduce": ("branch3x3", 0),
    "3x3": ("branch3x3", 3),
    "5x5_reduce": ("branch5x5", 0),
    "5x5_1": ("branch5x5", 3),
    "5x5_2": ("branch5x5", 6),
    "projection": ("branch_pool", 1),
}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules.

    Args:
        layers: names of Keras layers.

    Example:
        >>> modules(["a3_5x5_2_conv", "b5_projection_bn"])
        {'a3_5x5_2_conv': 'inception_a3.branch5x5.6', \
'b5_projection_bn': 'inception_b5.branch_pool.2'}
    """
    found = {name: _FIXED[name] for name in layers if name in _FIXED}
    for name in layers:
        match = _UNIT.fullmatch(name)
        if match and match[2] in _UNITS:
            branch, place = _UNITS[match[2]]
            found[name] = f"inception_{match[1]}.{branch}.{place + (match[3] == 'bn')}"
    return found
