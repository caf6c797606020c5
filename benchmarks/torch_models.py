"""PyTorch twins of three networks of keras.applications: the same convolutions and couplings.

Torchvision has the same networks; it is written out here because it has no build for every
processor that PyTorch has one for.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def _conv(inside: int, outside: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False)


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions (He et al., CVPR 2016, figure 5)."""

    def __init__(self, inside: int, width: int, stride: int):
        super().__init__()
        self.branch = nn.Sequential(
            _conv(inside, width), nn.BatchNorm2d(width), nn.ReLU(),
            _conv(width, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU(),
            _conv(width, 4 * width), nn.BatchNorm2d(4 * width),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if stride > 1 or inside != 4 * width:
            self.shortcut = nn.Sequential(
                _conv(inside, 4 * width, 1, stride), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(branch + shortcut)."""
        return torch.relu(self.branch(x) + self.shortcut(x))


def resnet50() -> nn.Module:
    """Return ResNet-50 (He et al., Deep Residual Learning, CVPR 2016, table 1)."""
    parts = [_conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inside = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            width = 64 * 2**stage
            parts.append(Bottleneck(inside, width, 2 if stage and not block else 1))
            inside = 4 * width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., CVPR 2018, figure 3)."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int):
        super().__init__()
        width, parts = inside * expansion, []
        if expansion > 1:
            parts = [_conv(inside, width), nn.BatchNorm2d(width), nn.ReLU6()]
        parts += [_conv(width, width, 3, stride, groups=width), nn.BatchNorm2d(width), nn.ReLU6()]
        self.branch = nn.Sequential(*parts, _conv(width, outside), nn.BatchNorm2d(outside))
        self.adds = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Return the branch, with its input added where the shapes agree."""
        return x + self.branch(x) if self.adds else self.branch(x)


def mobilenet_v2() -> nn.Module:
    """Return MobileNetV2 (Sandler et al., CVPR 2018, table 2)."""
    parts = [_conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6()]
    inside = 32
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
             (6, 160, 3, 2), (6, 320, 1, 1)]  # fmt: skip
    for expansion, outside, repeats, stride in table:
        for repeat in range(repeats):
            parts.append(InvertedResidual(inside, outside, 1 if repeat else stride, expansion))
            inside = outside
    parts += [_conv(320, 1280), nn.BatchNorm2d(1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(1280, 1000))


class DenseLayer(nn.Module):
    """DenseNet-BC's layer: 32 new channels beside the old ones (Huang et al., CVPR 2017, 3)."""

    def __init__(self, inside: int):
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inside), nn.ReLU(), _conv(inside, 128),
            nn.BatchNorm2d(128), nn.ReLU(), _conv(128, 32, 3),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the input and the new channels, concatenated."""
        return torch.cat([x, self.branch(x)], 1)


def densenet121() -> nn.Module:
    """Return DenseNet-121 (Huang et al., CVPR 2017, table 1)."""
    parts = [_conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inside = 64
    for stage, repeats in enumerate((6, 12, 24, 16)):
        if stage:
            half = inside // 2
            parts += [nn.BatchNorm2d(inside), nn.ReLU(), _conv(inside, half), nn.AvgPool2d(2)]
            inside = half
        for _ in range(repeats):
            parts.append(DenseLayer(inside))
            inside += 32
    parts += [nn.BatchNorm2d(inside), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*parts, nn.Linear(inside, 1000))


TWINS: dict[str, Callable[[], nn.Module]] = {
    "ResNet50": resnet50,
    "MobileNetV2": mobilenet_v2,
    "DenseNet121": densenet121,
}
