"""FP-FMC's compress rates: how much of each layer goes, as one list in the order of the layers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.coupling import together

_TERM = re.compile(r"\[(\d+\.\d*)\](?:\*([1-9]\d*))?")
Width = int | Callable[[Mapping[str, int]], int]


@dataclass(frozen=True)
class Entry:
    """What one number of a list of compress rates is for.

    Args:
        widths: {layer: channels that the rate is of}; a function takes the channels that the
            layers of the entries before keep, {layer: count}.
        meaning: what the layers have in common, for the listing.
        must_be_zero: whether the layers have to stay whole.
    """

    widths: Mapping[str, Width]
    meaning: str = ""
    must_be_zero: bool = False

    def __str__(self) -> str:
        parts = (self.meaning, ", ".join(self.widths), "must be 0." * self.must_be_zero)
        return ": ".join(part for part in parts if part)


def entries(graph: ChannelGraph) -> list[Entry]:
    """Return what a list of rates for any model is of: the groups of layers that may be pruned.

    Layers that share channels are one entry, in the order of their first layers. Where they have
    different numbers of channels, the rate is of the widest. A network that makes maps has none for
    its layers behind them, which FP-FMC does not judge: name those in `tfprune.select(counts=)`.

    Args:
        graph: channel graph of the model.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"),
        ...                           keras.layers.Dense(6, name="b"), keras.layers.Dense(2)])
        >>> [str(entry) for entry in entries(tfprune.analyse(model))]
        ['a', 'b']
    """
    found, seen = [], set()
    ranks = {name: len(graph.owners[name].outputs[0][0].shape) for name in graph.producers}
    for name in graph.producers:
        judged = ranks[name] == max(ranks.values())
        if name not in seen and judged and graph.free(name).any():
            members = together(graph, name)
            seen |= members
            channels = {x: graph.channels(x) for x in graph.producers if x in members}
            most = max(channels.values())
            found.append(Entry({x: count for x, count in channels.items() if count == most}))
    return found


def counts(graph: ChannelGraph, rates: str | Sequence[float]) -> dict[str, int]:
    """Return {layer: channels that it keeps} of any model, for `tfprune.select(counts=)`.

    Args:
        graph: channel graph of the model.
        rates: in the paper's grammar or as numbers in [0, 1), one for each of `entries(graph)`.

    Raises:
        PruningError: a list of another length (the expected entries are listed), a rate out of
            range or one that leaves a layer no channel.

    Example:
        >>> import keras, tfprune
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"),
        ...                           keras.layers.Dense(6, name="b"), keras.layers.Dense(2)])
        >>> counts(tfprune.analyse(model), "[0.5]+[0.]")
        {'a': 4, 'b': 6}
    """
    return kept_counts(rates, entries(graph), f"model {graph.model.name!r}")


def kept_counts(
    rates: str | Sequence[float], entries: Sequence[Entry], network: str
) -> dict[str, int]:
    """Return {layer: channels that it keeps}.

    Args:
        rates: in the paper's grammar or as numbers, one per entry.
        entries: what the rates are for.
        network: whose they are, for the error messages.

    Raises:
        PruningError: as `counts`.

    Example:
        >>> kept_counts([0.5, 0.25], [Entry({"a": 8}), Entry({"b": lambda kept: kept["a"]})], "x")
        {'a': 4, 'b': 3}
    """
    rates = parse(rates) if isinstance(rates, str) else list(rates)
    if len(rates) != len(entries):
        listed = "".join(f"\n  [{i}] {entry}" for i, entry in enumerate(entries))
        raise PruningError(
            f"Compress rates of {network}: expected {len(entries)}, received {len(rates)}. In "
            f"order they are for:{listed}"
        )
    found: dict[str, int] = {}
    for i, (rate, entry) in enumerate(zip(rates, entries, strict=True)):
        where = f"Compress rate [{i}] of {network} ({entry})"
        if not isinstance(rate, Real) or not 0 <= rate < 1:
            raise PruningError(f"{where}: expected a share removed, in [0, 1); received {rate!r}.")
        if entry.must_be_zero and rate:
            raise PruningError(f"{where}: these channels stay; received {rate}.")
        for layer, width in entry.widths.items():
            channels = width(found) if callable(width) else width
            found[layer] = kept(channels, rate)
            if not found[layer]:
                raise PruningError(f"{where}: {rate} leaves none of {channels} channels.")
    return found


def kept(channels: int, rate: float) -> int:
    """Return how many channels stay: truncated in doubles, as the paper's code does.

    Args:
        channels: what there are.
        rate: the share removed, in [0, 1).

    Example:
        >>> kept(320, 0.9)  # 1 - 0.9 is a little less than 0.1
        31
    """
    return int(channels * (1 - rate))


def parse(text: str) -> list[float]:
    """Return the numbers of a list in the paper's grammar: terms `[r]` or `[r]*n`, joined by `+`.

    Args:
        text: e.g. "[0.]+[0.4]*2"; a number needs its point and a digit before it.

    Raises:
        PruningError: a term of another form; the term is named.

    Example:
        >>> parse("[0.]+[0.4]*2")
        [0.0, 0.4, 0.4]
    """
    rates: list[float] = []
    for term in text.split("+"):
        match = _TERM.fullmatch(term)
        if not match:
            raise PruningError(
                f"Compress rates {text!r}: expected terms such as [0.5] or [0.5]*9, joined by '+' "
                f"without spaces, and numbers such as 0. or 0.5; received the term {term!r}."
            )
        rates += [float(match[1])] * int(match[2] or 1)
    return rates
