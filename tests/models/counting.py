"""Parameters and MACs, counted naively: from a model's weights, and from the papers' tables."""

import numpy as np

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def naive(model):
    """Parameters without moving statistics, and kernel times output positions, layer by layer."""
    macs = 0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            macs += int(np.prod(kernel.shape)) * int(np.prod(layer.output.shape[1:-1]))
    return sum(int(np.prod(v.shape)) for v in model.trainable_weights), macs


def table(name):
    """The same by the rows (inputs, outputs, size of kernel, size of map, bias, batch norm)."""
    rows = _vgg(name) if "vgg" in name else _resnet(name)
    weights = sum(i * o * k * k + o * (bias + 2 * norm) for i, o, k, _, bias, norm in rows)
    return weights, sum(i * o * k * k * size * size for i, o, k, size, _, _ in rows)


def _vgg(name):
    depth = int("".join(c for c in name.split("_")[0] if c.isdigit()))
    rows, before = [], 3
    for group, count in enumerate(CONVOLUTIONS[depth]):
        for _ in range(count):
            width = min(64 * 2**group, 512)
            rows.append((before, width, 3, 32 // 2**group, True, True))
            before = width
    hidden = {"gatevgg": (), "gfi": (False, False)}.get(name.split("_")[-1].rstrip("0123456789"))
    hidden = (True,) if hidden is None else hidden
    return [*rows, *((512, 512, 1, 1, True, norm) for norm in hidden), (512, 10, 1, 1, True, False)]


def _resnet(name):
    depth, kind = name.removeprefix("resnet").split("_")
    if kind == "v1":
        return _bottlenecks({"101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}[depth])
    bias = kind == "gfi"
    rows, before = [(3, 16, 3, 32, bias, True)], 16
    for stage, width in enumerate((16, 32, 64)):
        for _ in range((int(depth) - 2) // 6):
            rows += [(i, width, 3, 32 // 2**stage, bias, True) for i in (before, width)]
            before = width
    return [*rows, (64, 10, 1, 1, True, False)]


def _bottlenecks(counts):
    rows, before = [(3, 64, 7, 112, False, True)], 64
    for stage, count in enumerate(counts):
        width, size = 64 * 2**stage, 56 // 2**stage
        for block in range(count):
            convs = [(before, width, 1), (width, width, 3), (width, 4 * width, 1)]
            convs += [(before, 4 * width, 1)] * (block == 0)
            rows += [(i, o, k, size, False, True) for i, o, k in convs]
            before = 4 * width
    return [*rows, (2048, 1000, 1, 1, True, False)]
