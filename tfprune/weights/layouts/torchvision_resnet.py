"""torchvision's ResNet 18 to 152; the stride's place (v1, v1.5) does not show in the names."""

import re
from collections.abc import Sequence

_BLOCK = re.compile(r"stage(\d)_block(\d+)_(\d|shortcut)_(conv|bn)")
_FIXED = {"stem_conv": "conv1", "stem_bn": "bn1", "classifier": "fc"}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules.

    Args:
        layers: names of Keras layers.

    Example:
        >>> modules(["stem_conv", "stage2_block1_3_bn", "stage2_block1_shortcut_conv"])
        {'stem_conv': 'conv1', 'stage2_block1_3_bn': 'layer2.0.bn3', \
'stage2_block1_shortcut_conv': 'layer2.0.downsample.0'}
    """
    found = {name: _FIXED[name] for name in layers if name in _FIXED}
    for name in layers:
        if match := _BLOCK.fullmatch(name):
            found[name] = _in_block(*match.groups())
    return found


def _in_block(stage: str, block: str, which: str, kind: str) -> str:
    place = f"layer{stage}.{int(block) - 1}"
    if which == "shortcut":
        return f"{place}.downsample.{('conv', 'bn').index(kind)}"
    return f"{place}.{kind}{which}"
