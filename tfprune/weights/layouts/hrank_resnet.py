"""ResNet-56 and -110 of HRank, HRankPlus and FP-FMC: torchvision's names, no shortcut weights."""

from tfprune.weights.layouts.torchvision_resnet import modules

__all__ = ["modules"]

OTHER_NAMES = {"linear": "fc"}  # the last layer of ResNet-110
