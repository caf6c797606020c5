"""DenseNet-40 of HRank, HRankPlus and FP-FMC."""

import re
from collections.abc import Sequence

_PARTS = (
    (
        re.compile(r"block(\d)_layer(\d+)_(conv|bn)"),
        lambda b, i, kind: f"dense{b}.{int(i) - 1}.{kind}1",
    ),
    (re.compile(r"transition(\d)_(conv|bn)"), lambda t, kind: f"trans{t}.{kind}1"),
)
_FIXED = {"stem_conv": "conv1", "final_bn": "bn", "classifier": "fc"}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules.

    Args:
        layers: names of Keras layers.

    Example:
        >>> modules(["block1_layer12_bn", "transition2_conv"])
        {'block1_layer12_bn': 'dense1.11.bn1', 'transition2_conv': 'trans2.conv1'}
    """
    found = {name: _FIXED[name] for name in layers if name in _FIXED}
    for pattern, module in _PARTS:
        matches = (pattern.fullmatch(name) for name in layers)
        found |= {match[0]: module(*match.groups()) for match in matches if match}
    return found
