"""What a criterion says of itself: what it computes its scores from, and how they are used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral

from tfprune import plugins
from tfprune.checks import check_bool, check_whole
from tfprune.errors import PruningError, unknown
from tfprune.graph.coupling import check_way
from tfprune.selection import selectors
from tfprune.selection.request import AMOUNTS, SCOPES, Request


@dataclass(frozen=True, kw_only=True)
class Method:
    """How a criterion is used unless the caller says otherwise, mostly as in its paper.

    Args:
        selector: name of the selector that turns its scores into keep masks.
        scope: what is ranked together: each "layer" by itself, or all of them ("global").
        comparable: whether scores of different layers can be ranked together as they are; if not,
            each layer's are divided by their mean magnitude before that.
        coupled: what layers that share channels are judged by: "mean", "sum", "leader" or "pin",
            as for `tfprune.score`.
        shares: whether each of those layers is divided by its sum before they are combined.
        amount: how much is pruned, e.g. {"ratio": 0.7}; empty: the caller has to say.
        samples: on how many images prune.py scores, 0 for all of them; None: no data is needed.
        batch: on how many images at a time, where the scores depend on it; None: as in training.
        schedule: when the channels go in prune.py, e.g. "one_shot".

    Raises:
        PruningError: an unknown name, or a value out of range.

    Example:
        >>> Method(selector="border", amount={"ratio": 0.7}).scope
        'layer'
        >>> Method(scope="whole")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: Unknown scope of a method 'whole'. ...
    """

    selector: str = "ranking"
    scope: str = "layer"
    comparable: bool = True
    coupled: str = "mean"
    shares: bool = False
    amount: Mapping[str, float] = field(default_factory=dict)
    samples: int | None = 500
    batch: int | None = None
    schedule: str = "one_shot"

    def __post_init__(self) -> None:
        for name, valid in (("selector", plugins.names(selectors)), ("scope", SCOPES)):
            if getattr(self, name) not in valid:
                raise unknown(f"{name} of a method", getattr(self, name), valid)
        check_way(self.coupled)
        check_bool("comparable", self.comparable)
        check_bool("shares", self.shares)
        if self.batch is not None:
            check_whole("batch", self.batch)
        self._check_amount()
        self._check_samples()

    @property
    def needs_data(self) -> bool:
        """Whether the criterion looks at data at all."""
        return self.samples is not None

    def _check_amount(self) -> None:
        for name in self.amount:
            if name not in AMOUNTS:
                raise unknown("amount of a method", name, AMOUNTS)
        if self.amount:
            Request(**self.amount)  # refuses two of them, and values out of range

    def _check_samples(self) -> None:
        whole = isinstance(self.samples, Integral) and not isinstance(self.samples, bool)
        if self.samples is not None and not (whole and self.samples >= 0):
            raise PruningError(
                "samples must be a number of images, 0 for all of them, or None where no data is "
                f"needed; received {self.samples!r}."
            )
        if self.samples is None and self.batch is not None:
            raise PruningError(
                f"batch={self.batch} has no effect with samples=None, which means that no data is "
                "needed. Leave one of them out."
            )
