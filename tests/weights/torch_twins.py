"""The networks of the layouts as PyTorch modules, in any width; only make_fixtures.py needs them.

Each is written from the layouts' names: torchvision is not needed.
"""

import torch
from torch import nn
from torch.nn import functional


def conv_norm(inputs, outputs, size, stride=1, dilation=1, bias=False):
    padding = size // 2 * dilation
    conv = nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=bias)
    return conv, nn.BatchNorm2d(outputs)


class Block(nn.Module):
    """A residual block; `kernels`: its convolutions' sizes, `strided`: which of them strides."""

    def __init__(self, inputs, widths, kernels, strided, stride=1, dilation=1):
        super().__init__()
        self.count = len(widths)
        outputs = widths[-1]
        before = inputs
        for index, (width, size) in enumerate(zip(widths, kernels, strict=True), 1):
            step = stride if index == strided else 1
            pair = conv_norm(before, width, size, step, dilation if size > 1 else 1)
            self.add_module(f"conv{index}", pair[0])
            self.add_module(f"bn{index}", pair[1])
            before = width
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(*conv_norm(inputs, outputs, 1, stride))

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            y = torch.relu(y) if index < self.count else y
        return torch.relu(y + self.shortcut(x))

    def shortcut(self, x):
        return x if self.downsample is None else self.downsample(x)


class ResNet(nn.Module):
    """torchvision's ResNet; `dilated` stages keep their size. Without classes: the backbone."""

    def __init__(self, counts, bottleneck, stem, widths, classes=None, dilated=()):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(3, stem, 7, 2)
        inputs, dilation = stem, 1
        for stage, (count, width) in enumerate(zip(counts, widths, strict=True), 1):
            stride, first = (2 if stage > 1 else 1), dilation
            if stage in dilated:
                stride, dilation = 1, 2 * dilation
            sizes = [width, width, 4 * width] if bottleneck else [width, width]
            kernels, strided = ((1, 3, 1), 2) if bottleneck else ((3, 3), 1)
            blocks = []
            for block in range(count):
                how = (1, dilation) if block else (stride, first)
                blocks.append(Block(inputs, sizes, kernels, strided, *how))
                inputs = sizes[-1]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.fc = None if classes is None else nn.Linear(inputs, classes)

    def stages(self, x):
        x = functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        found = []
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
            found.append(x)
        return found

    def forward(self, x):
        return self.fc(self.stages(x)[-1].mean((2, 3)))


class Aspp(nn.Module):
    """Five branches; the last sees the mean of the map."""

    def __init__(self, inputs, width):
        super().__init__()
        kinds = ((1, 1), (3, 12), (3, 24), (3, 36))
        units = (conv_norm(inputs, width, size, 1, rate) for size, rate in kinds)
        branches = [nn.Sequential(*unit, nn.ReLU()) for unit in units]
        pooled = (nn.AdaptiveAvgPool2d(1), *conv_norm(inputs, width, 1), nn.ReLU())
        self.convs = nn.ModuleList([*branches, nn.Sequential(*pooled)])
        self.project = nn.Sequential(*conv_norm(5 * width, width, 1), nn.ReLU(), nn.Dropout(0.5))

    def forward(self, x):
        maps = [conv(x) for conv in self.convs]
        maps[-1] = functional.interpolate(maps[-1], x.shape[2:], mode="bilinear")
        return self.project(torch.cat(maps, 1))


class DeepLabV3(nn.Module):
    """torchvision's; the auxiliary head sees the third stage."""

    def __init__(self, backbone, third, last, width, aux, classes):
        super().__init__()
        self.backbone = backbone
        head = (*conv_norm(width, width, 3), nn.ReLU(), nn.Conv2d(width, classes, 1))
        self.classifier = nn.Sequential(Aspp(last, width), *head)
        self.aux_classifier = nn.Sequential(
            *conv_norm(third, aux, 3), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(aux, classes, 1)
        )

    def forward(self, x):
        *_, third, last = self.backbone.stages(x)
        maps = {"out": self.classifier(last), "aux": self.aux_classifier(third)}
        return {k: functional.interpolate(v, x.shape[2:], mode="bilinear") for k, v in maps.items()}


class Vgg(nn.Module):
    """torchvision's: `widths` and `counts` of five groups."""

    def __init__(self, counts, widths, units, norm, classes):
        super().__init__()
        modules, inputs = [], 3
        for count, width in zip(counts, widths, strict=True):
            for _ in range(count):
                conv, bn = conv_norm(inputs, width, 3, bias=True)
                modules += [conv, bn, nn.ReLU()] if norm else [conv, nn.ReLU()]
                inputs = width
            modules.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*modules)
        self.classifier = nn.Sequential(
            nn.Linear(49 * inputs, units), nn.ReLU(), nn.Dropout(),
            nn.Linear(units, units), nn.ReLU(), nn.Dropout(), nn.Linear(units, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(functional.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


class HRankVgg(nn.Module):
    """VGG-16 with four poolings; a convolution and its companions share one number."""

    def __init__(self, widths, units, classes):
        super().__init__()
        self.features, inputs, number = nn.Sequential(), 3, 0
        for group, (count, width) in enumerate(zip((2, 2, 3, 3, 3), widths, strict=True)):
            for _ in range(count):
                conv, bn = conv_norm(inputs, width, 3, bias=True)
                self.features.add_module(f"conv{number}", conv)
                self.features.add_module(f"norm{number}", bn)
                self.features.add_module(f"relu{number}", nn.ReLU())
                inputs, number = width, number + 1
            if group < 4:
                self.features.add_module(f"pool{number}", nn.MaxPool2d(2))
                number += 1
        self.classifier = nn.Sequential()
        self.classifier.add_module("linear1", nn.Linear(inputs, units))
        self.classifier.add_module("norm1", nn.BatchNorm1d(units))
        self.classifier.add_module("relu1", nn.ReLU())
        self.classifier.add_module("linear2", nn.Linear(units, classes))

    def forward(self, x):
        return self.classifier(functional.avg_pool2d(self.features(x), 2).flatten(1))


class HRankBlock(Block):
    """Its shortcut subsamples and pads channels on both sides with zeros."""

    def __init__(self, inputs, inner, outputs, stride):
        super().__init__(inputs, [inner, outputs], (3, 3), 1, stride)
        del self.downsample
        self.stride, before = stride, (outputs - inputs) // 2
        self.pads = (0, 0, 0, 0, before, outputs - inputs - before)

    def shortcut(self, x):
        return functional.pad(x[:, :, :: self.stride, :: self.stride], self.pads)


class HRankResNet(nn.Module):
    """Stages of 16, 32 and 64 channels; `head` names the last layer."""

    def __init__(self, blocks, inner, head, classes):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(3, 16, 3)
        inputs, self.head = 16, head
        for stage, (width, mid) in enumerate(zip((16, 32, 64), inner, strict=True), 1):
            strides = [2 if stage > 1 else 1] + [1] * (blocks - 1)
            made = []
            for stride in strides:
                made.append(HRankBlock(inputs, mid, width, stride))
                inputs = width
            self.add_module(f"layer{stage}", nn.Sequential(*made))
        self.add_module(head, nn.Linear(64, classes))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class NormConv(nn.Module):
    """Norm, ReLU, convolution; a 3x3 adds its channels to its input, a 1x1 halves the map."""

    def __init__(self, inputs, outputs, size):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.grows = size == 3

    def forward(self, x):
        y = self.conv1(torch.relu(self.bn1(x)))
        return torch.cat((x, y), 1) if self.grows else functional.avg_pool2d(y, 2)


class HRankDenseNet(nn.Module):
    """Three dense blocks without bottlenecks."""

    def __init__(self, stem, growth, layers, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, padding=1, bias=False)
        width = stem
        for block in (1, 2, 3):
            made = [NormConv(width + growth * i, growth, 3) for i in range(layers)]
            self.add_module(f"dense{block}", nn.Sequential(*made))
            width += growth * layers
            if block < 3:
                self.add_module(f"trans{block}", NormConv(width, width, 1))
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        x = self.trans1(self.dense1(self.conv1(x)))
        x = self.dense3(self.trans2(self.dense2(x)))
        return self.fc(torch.relu(self.bn(x)).mean((2, 3)))


class Inception(nn.Module):
    def __init__(self, inputs, n1x1, reduce3x3, n3x3, reduce5x5, n5x5, projection):
        super().__init__()

        def units(*sizes):
            modules, before = [], inputs
            for outputs, size in sizes:
                modules += [*conv_norm(before, outputs, size, bias=True), nn.ReLU()]
                before = outputs
            return modules

        self.branch1x1 = nn.Sequential(*units((n1x1, 1)))
        self.branch3x3 = nn.Sequential(*units((reduce3x3, 1), (n3x3, 3)))
        self.branch5x5 = nn.Sequential(*units((reduce5x5, 1), (n5x5, 3), (n5x5, 3)))
        self.branch_pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), *units((projection, 1)))

    def forward(self, x):
        branches = (self.branch1x1, self.branch3x3, self.branch5x5, self.branch_pool)
        return torch.cat([branch(x) for branch in branches], 1)


class HRankGoogLeNet(nn.Module):
    """`inceptions`: {name: widths}."""

    def __init__(self, stem, inceptions, classes):
        super().__init__()
        self.pre_layers = nn.Sequential(*conv_norm(3, stem, 3, bias=True), nn.ReLU())
        self.names, inputs = list(inceptions), stem
        for name, widths in inceptions.items():
            self.add_module(f"inception_{name}", Inception(inputs, *widths))
            n1x1, _, n3x3, _, n5x5, projection = widths
            inputs = n1x1 + n3x3 + n5x5 + projection
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.pre_layers(x)
        for name in self.names:
            x = functional.max_pool2d(x, 3, 2, 1) if name in ("a4", "a5") else x
            x = getattr(self, f"inception_{name}")(x)
        return self.linear(x.mean((2, 3)))
