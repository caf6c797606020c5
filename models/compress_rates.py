"""What each number of FP-FMC's lists of compress rates is for, in the paper's own networks.

Lists for other networks follow their layers: `tfprune.selection.compress_rate`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from models import densenet, googlenet, resnet_cifar, vgg

Entries = Iterator[tuple[Mapping, str, bool]]  # layers with their channels, meaning, must be 0.


def names() -> list[str]:
    """Return the networks with a list of their own, sorted.

    Example:
        >>> "resnet56_a" in names()
        True
    """
    return sorted(_NETWORKS)


def counts(name: str, rates: str | Sequence[float]) -> dict[str, int]:
    """Return {layer: channels that it keeps} of a network at compress rates.

    Args:
        name: one of `names()`.
        rates: in the paper's grammar, e.g. "[0.]+[0.4]*2+[0.5]*27", or as numbers: the shares
            removed. 12 for VGG-16 (the last convolution stays), 30 and 57 for ResNet-56 and -110
            with padded shortcuts (stem, which stays; outputs of stages 1 and 2; first convolution
            of each block), 39 for DenseNet-40 (stem, which is ignored; block, transition, ...), 10
            for GoogLeNet (stem, which is ignored; each block).

    Raises:
        PruningError: a network without a list, a list of another length (the expected entries
            are listed), a rate out of range or that is not 0. where it must be.

    Example:
        >>> counts("googlenet", "[0.]+[0.6]*2+[0.7]*5+[0.8]*2")["a3_3x3_conv"]
        51
    """
    # The builders do without TensorFlow, which tfprune brings.
    from tfprune.errors import unknown  # noqa: PLC0415
    from tfprune.selection.compress_rate import Entry, kept_counts  # noqa: PLC0415

    if name not in _NETWORKS:
        raise unknown("network with compress rates of its own", name, names())
    return kept_counts(rates, [Entry(*entry) for entry in _NETWORKS[name]()], name)


def _vgg(configuration: vgg.Vgg) -> Entries:
    groups = vgg.CONVOLUTIONS[configuration.depth]
    layers = [
        (f"stage{stage}_conv{index}", width)
        for stage, (width, count) in enumerate(zip(vgg.WIDTHS, groups, strict=True), 1)
        for index in range(1, count + 1)
    ]
    for layer, width in layers[:-1]:  # the last one stays
        yield {layer: width}, "", False


def _resnet(configuration: resnet_cifar.ResNetCifar) -> Entries:
    blocks = range(1, (configuration.depth - 2) // 6 + 1)
    widths = {1: 16, 2: 32, 3: 64}
    yield {"stem_conv": 16}, "", True
    for stage in (1, 2):  # the third stage's outputs stay
        outputs = {f"stage{stage}_block{block}_2_conv": widths[stage] for block in blocks}
        yield outputs, f"outputs of stage {stage}", False
    for stage, width in widths.items():
        for block in blocks:
            yield {f"stage{stage}_block{block}_1_conv": width}, "", False


def _densenet(configuration: densenet.DenseNet) -> Entries:
    yield {}, "stem_conv, which stays: ignored", False
    first, read = configuration.stem, []  # what a block starts from: channels, or layers'
    for block in (1, 2, 3):
        names = [f"block{block}_layer{i + 1}_conv" for i in range(configuration.layers_per_block)]
        for name in names:
            yield {name: configuration.growth}, "", False
        if block < 3:
            transition = f"transition{block}_conv"
            yield {transition: _left(first, [*read, *names])}, "of the channels left", False
            first, read = 0, [transition]


def _left(first: int, names: Sequence[str]) -> Callable[[Mapping[str, int]], int]:
    """Return a function from {layer: channels kept} to the width of a dense block's end."""
    return lambda kept: first + sum(kept[name] for name in names)


def _googlenet(configuration: googlenet.GoogLeNet) -> Entries:
    yield {}, "stem_conv, which stays: ignored", False
    *blocks, last = googlenet.INCEPTIONS.items()
    for name, (_, _, n3x3, _, n5x5, _) in blocks:
        convs = {f"{name}_3x3_conv": n3x3, f"{name}_5x5_1_conv": n5x5, f"{name}_5x5_2_conv": n5x5}
        yield convs, f"block {name}", False
    name, widths = last
    yield {f"{name}_5x5_1_conv": widths[4]}, f"block {name}, whose outputs stay", False


_NETWORKS = MappingProxyType(
    {
        name: partial(describe, configuration)
        for family, describe in ((vgg, _vgg), (resnet_cifar, _resnet), (densenet, _densenet),
                                 (googlenet, _googlenet))
        for name, configuration in family.CONFIGURATIONS.items()
        if family is not resnet_cifar or name.endswith("_a")  # others tie the stem to stage 1
    }
)  # fmt: skip
