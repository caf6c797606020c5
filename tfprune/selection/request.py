"""What a caller asks of a selection, checked."""

import fnmatch
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

from tfprune.checks import check_number, check_share, check_whole
from tfprune.costs.timing.table import LatencyTable
from tfprune.errors import PruningError, unknown
from tfprune.graph.channel_graph import ChannelGraph

COUNTED = ("macs", "params")
TARGETS = (*COUNTED, "latency")
AMOUNTS = ("ratio", "ratios", "counts", *TARGETS, "threshold")
SCOPES = ("layer", "global", "isomorphic")
_WITHOUT_SCOPE = ("ratios", "counts", "threshold")
_OF_LATENCY = ("table", "runtime", "batch_size")


@dataclass(frozen=True)
class Request:
    """How much is to go, and what has to stay.

    Args:
        ratio: share of channels removed, in [0, 1).
        ratios: {layer name: share of its channels removed}; other layers stay whole.
        counts: {layer name: channels that it keeps}; other layers stay whole.
        macs: share of the multiply-accumulates that is to be left, in (0, 1].
        params: share of the weights that is to be left, in (0, 1].
        latency: share of the time of a batch that is to be left, in (0, 1].
        threshold: what the selector understands by it.
        scope: "layer" for the same share everywhere, "global" for one ranking of all layers,
            "isomorphic" for one of each set of units that are built alike.
        min_channels: channels that every layer keeps at least.
        round_to: kept counts are multiples of this, or the layer stays whole; None with a latency
            or a runtime: what is fastest, else 1.
        include: patterns of layer names; only these are pruned. Without them all are but the sizes
            of heads, such as `attention/value_dim`, which wait to be named.
        exclude: patterns of layer names that are not pruned.
        input_shape: shape of an input, without the batch, to count `macs` for, or to measure
            the latency on; a list of them where the model has several.
        table: measured times, or their file; None: they are measured.
        runtime: the runtime to measure the latency in; None: "keras". With `macs` or `params`
            the one whose fastest widths are wanted; None: nothing is measured.
        batch_size: samples per call; None: 1.
    """

    ratio: float | None = None
    ratios: Mapping[str, float] | None = None
    counts: Mapping[str, int] | None = None
    macs: float | None = None
    params: float | None = None
    latency: float | None = None
    threshold: float | None = None
    scope: str | None = None
    min_channels: int = 1
    round_to: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    input_shape: Sequence[Any] | None = None
    table: LatencyTable | str | os.PathLike | None = None
    runtime: str | None = None
    batch_size: int | None = None
    amount: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", the_amount(vars(self)))
        self._check_shares()
        if self.scope not in (None, *SCOPES):
            valid = f"{', '.join(map(repr, SCOPES[:-1]))} or {SCOPES[-1]!r}"
            hint = (
                ". Amounts that are measured need samples: tfprune.sensitivity(graph, data, "
                "scores).keep(macs=...), or prune(..., scope='sensitivity')"
                if self.scope == "sensitivity"
                else ""
            )
            raise PruningError(f"scope must be {valid}, received {self.scope!r}{hint}.")
        if self.scope and self.amount in _WITHOUT_SCOPE:
            raise PruningError(
                f"scope={self.scope!r} has no effect with {self.amount}: leave it out."
            )
        self._check_effects()
        if self.round_to is None and self.amount != "latency" and not self.rounds_by_time:
            object.__setattr__(self, "round_to", 1)
        for name in ("min_channels", "round_to", "batch_size"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name))

    @property
    def rounds_by_time(self) -> bool:
        """Whether the rounding is to be what a runtime is fastest at."""
        return self.amount in COUNTED and self.runtime is not None and self.round_to is None

    @property
    def ranked(self) -> bool:
        """Whether the units of different layers compete."""
        return self.scope in ("global", "isomorphic")

    @property
    def may_remove_nothing(self) -> bool:
        """Whether the request may turn out to remove no channel at all.

        So with a share that leaves the whole model, with a threshold, and with amounts of named
        layers, each of which is judged by itself.
        """
        whole = {"ratio": 0, "macs": 1, "params": 1, "latency": 1}
        return self.amount not in whole or getattr(self, self.amount) == whole[self.amount]

    def with_scope(self, default: str) -> "Request":
        """Return this request with a scope, if it has none and the amount leaves one open."""
        if self.scope or self.amount in _WITHOUT_SCOPE:
            return self
        return replace(self, scope=default)

    def _check_effects(self) -> None:
        """Refuse what has no effect beside the amount."""
        if self.input_shape is not None and self.amount not in ("macs", "latency"):
            raise PruningError(f"input_shape has no effect with {self.amount}: leave it out.")
        own = [name for name in _OF_LATENCY if getattr(self, name) is not None]
        if own and self.amount != "latency" and not (self.rounds_by_time and self.table is None):
            beside = " and round_to" if self.amount in COUNTED and self.round_to else ""
            raise PruningError(
                f"{' and '.join(own)} has no effect with {self.amount}{beside}: leave it out, ask "
                "for latency=, or, with macs= or params=, give runtime= alone, which chooses "
                "round_to."
            )
        if self.table is not None and len(own) > 1:
            raise PruningError(
                f"{' and '.join(own[1:])} has no effect with a table, which says what it was "
                "measured with: leave it out."
            )

    def _check_shares(self) -> None:
        for name in ("ratio", *TARGETS):
            value = getattr(self, name)
            if value is not None:
                check_share(name, value, removed=name == "ratio")
        if self.threshold is not None:
            check_number("threshold", self.threshold)
        for name, kind in (("ratios", "share"), ("counts", "channels kept")):
            value = getattr(self, name)
            if not isinstance(value, Mapping | None):
                raise PruningError(f"{name} must be {{layer name: {kind}}}, received {value!r}.")
        for layer, value in (self.ratios or {}).items():
            check_share(f"ratios[{layer!r}]", value, removed=True)

    def shrunk(self, graph: ChannelGraph) -> list[str]:
        """Return the layers that are asked for by name to lose channels."""
        if self.counts is not None:
            return [name for name, count in self.counts.items() if count < graph.channels(name)]
        return [name for name, ratio in (self.ratios or {}).items() if ratio > 0]

    def pruned_layers(self, graph: ChannelGraph) -> set[str]:
        """Return the names of the layers that may be pruned.

        Raises:
            PruningError: a pattern that matches no layer, an unknown layer in `ratios` or
                `counts`, or a count out of range.
        """
        names = list(graph.producers)
        named = set(getattr(self, self.amount) if self.amount in ("ratios", "counts") else ())
        for layer in sorted(named - set(names)):
            raise unknown(f"layer in {self.amount}", layer, names)
        chosen = set(names) - (graph.on_request - named)
        if self.include:
            chosen = _matching("include", self.include, names)
        for layer, count in (self.counts or {}).items():
            most = graph.channels(layer)
            if not isinstance(count, Integral) or not 1 <= count <= most:
                raise PruningError(
                    f"counts[{layer!r}] must be a whole number of channels that stay, from 1 to "
                    f"{most}; received {count!r}."
                )
        return chosen - _matching("exclude", self.exclude, names)


def the_amount(options: Mapping[str, object]) -> str:
    """Return which of `AMOUNTS` is given.

    Args:
        options: {option of a selection: its value, None if not given}.

    Raises:
        PruningError: none of them, or several.
    """
    given = [name for name in AMOUNTS if options.get(name) is not None]
    if len(given) != 1:
        raise PruningError(
            f"select: expected exactly one of {', '.join(AMOUNTS)}; received "
            f"{' and '.join(given) or 'none'}. Give one of them: each says how much is to go."
        )
    return given[0]


def _matching(what: str, patterns: tuple[str, ...], names: list[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        matches = fnmatch.filter(names, pattern)
        if not matches:
            raise unknown(f"layer pattern in {what}", pattern, names)
        found.update(matches)
    return found
