"""torchvision's DeepLabV3 on a ResNet (the COCO weights), with or without the auxiliary head."""

import re
from collections.abc import Sequence

from tfprune.weights.layouts import torchvision_resnet

_UNIT = re.compile(r"(aspp_\w+|head|aux)_(conv|bn)")
_FIXED = {"classifier": "classifier.4", "aux_classifier": "aux_classifier.4"}
# Where the convolution stands; its normalisation comes next.
_CONVOLUTIONS = {
    "aspp_1x1": "classifier.0.convs.0.0",
    "aspp_pool": "classifier.0.convs.4.1",
    "aspp_project": "classifier.0.project.0",
    "head": "classifier.1",
    "aux": "aux_classifier.0",
}


def modules(layers: Sequence[str]) -> dict[str, str]:
    """Return the names of the PyTorch modules.

    Args:
        layers: names of Keras layers in the model's order, which is that of the dilation rates.

    Example:
        >>> modules(["stem_conv", "aspp_rate12_conv", "aspp_rate24_bn", "classifier"])
        {'stem_conv': 'backbone.conv1', 'aspp_rate12_conv': 'classifier.0.convs.1.0', \
'aspp_rate24_bn': 'classifier.0.convs.2.1', 'classifier': 'classifier.4'}
    """
    backbone = torchvision_resnet.modules([name for name in layers if name not in _FIXED])
    found = {name: f"backbone.{module}" for name, module in backbone.items()}
    units = {name: _UNIT.fullmatch(name) for name in layers}
    rates = dict.fromkeys(m[1] for m in units.values() if m and m[1].startswith("aspp_rate"))
    places = {rate: f"classifier.0.convs.{index}.0" for index, rate in enumerate(rates, 1)}
    places |= _CONVOLUTIONS
    for name, match in units.items():
        if match and match[1] in places:
            found[name] = places[match[1]] if match[2] == "conv" else _next(places[match[1]])
    return found | {name: _FIXED[name] for name in layers if name in _FIXED}


def _next(module: str) -> str:
    parent, _, index = module.rpartition(".")
    return f"{parent}.{int(index) + 1}"
