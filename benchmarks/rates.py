"""FP-FMC's compress rates: their grammar, and which layer each entry is for."""

import re
from collections.abc import Iterator


def parse_rates(text: str) -> list[float]:
    """Return the numbers of a list such as "[0.]+[0.4]*2": the shares of filters removed.

    Raises:
        ValueError: a term of another form; the term is named.
    """
    rates: list[float] = []
    for term in text.split("+"):
        match = re.fullmatch(r"\[(\d+\.\d*)\](?:\*(\d+))?", term)
        if not match:
            raise ValueError(f"Compress rate {term!r}: expected [0.5] or [0.5]*9.")
        rates += [float(match[1])] * int(match[2] or 1)
    return rates


def kept(channels: int, rate: float) -> int:
    """Return how many filters stay: truncated in doubles, as the paper's code does."""
    return int(channels * (1 - rate))


def kept_counts(network: str, text: str) -> dict[str, int]:
    """Return {layer: filters that stay} of a network at compress rates.

    Args:
        network: "vgg16_fmc", "densenet40_24", "googlenet", "resnet56_a" or "resnet110_a".
        text: compress rates in the paper's grammar.

    Raises:
        ValueError: a list of another length than the network has entries.
    """
    rates = parse_rates(text)
    counts = dict({"vgg": _vgg, "den": _densenet, "goo": _googlenet, "res": _resnet}[network[:3]](
        iter(rates), network))  # fmt: skip
    expected = {"vgg": 12, "den": 39, "goo": 10, "res": 30 if "56" in network else 57}[network[:3]]
    if len(rates) != expected:
        raise ValueError(f"{network}: expected {expected} compress rates, received {len(rates)}.")
    return counts


def _vgg(rates: Iterator[float], network: str) -> Iterator[tuple[str, int]]:
    widths = [(stage, width) for stage, (width, count) in enumerate(
        ((64, 2), (128, 2), (256, 3), (512, 3), (512, 2)), 1) for _ in range(count)]  # fmt: skip
    index: dict[int, int] = {}
    for stage, width in widths:
        index[stage] = index.get(stage, 0) + 1
        yield f"stage{stage}_conv{index[stage]}", kept(width, next(rates))


def _densenet(rates: Iterator[float], network: str) -> Iterator[tuple[str, int]]:
    next(rates)  # the stem's, read by nothing
    width = 24
    for block in (1, 2, 3):
        for layer in range(1, 13):
            count = kept(12, next(rates))
            yield f"block{block}_layer{layer}_conv", count
            width += count
        if block < 3:  # a transition's rate is of the width that is left
            width = kept(width, next(rates))
            yield f"transition{block}_conv", width


def _googlenet(rates: Iterator[float], network: str) -> Iterator[tuple[str, int]]:
    next(rates)  # the stem's, read by nothing
    widths = {"a3": (128, 32), "b3": (192, 96), "a4": (208, 48), "b4": (224, 64), "c4": (256, 64),
              "d4": (288, 64), "e4": (320, 128), "a5": (320, 128), "b5": (384, 128)}  # fmt: skip
    for name, (three, five) in widths.items():
        rate = next(rates)
        yield f"{name}_5x5_1_conv", kept(five, rate)
        if name != "b5":  # the last block's outputs stay
            yield f"{name}_3x3_conv", kept(three, rate)
            yield f"{name}_5x5_2_conv", kept(five, rate)


def _resnet(rates: Iterator[float], network: str) -> Iterator[tuple[str, int]]:
    blocks = 9 if "56" in network else 18
    next(rates)  # the stem's, which is 0
    outputs = {1: kept(16, next(rates)), 2: kept(32, next(rates))}
    for stage, width in ((1, 16), (2, 32), (3, 64)):
        for block in range(1, blocks + 1):
            yield f"stage{stage}_block{block}_1_conv", kept(width, next(rates))
            if stage in outputs:  # the third stage's outputs stay
                yield f"stage{stage}_block{block}_2_conv", outputs[stage]
