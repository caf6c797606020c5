"""The options of a selection as types: what editors complete and type checkers look at."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from tfprune.costs.timing.table import LatencyTable


class SelectorOptions(TypedDict, total=False):
    """The selectors' own options; each knows some of them.

    cap: for the scores of "gfi": where a whole layer lies below the threshold, see the selector
        "adaptive".
    """

    cap: bool


class BudgetOptions(TypedDict, total=False):
    """What goes beside a share of the MACs, weights or time, as for `tfprune.select`."""

    min_channels: int
    round_to: int | None
    input_shape: Sequence[Any] | None
    table: LatencyTable | str | os.PathLike | None
    runtime: str | None
    batch_size: int | None


class SelectionOptions(BudgetOptions, SelectorOptions, total=False):
    """The options of `tfprune.select`, which says what each is for."""

    ratio: float | None
    ratios: Mapping[str, float] | None
    counts: Mapping[str, int] | None
    macs: float | None
    params: float | None
    latency: float | None
    threshold: float | None
    scope: str | None
    include: str | Sequence[str]
    exclude: str | Sequence[str]
