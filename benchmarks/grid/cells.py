"""What there is to compute: the cells of the grid, the cheap ones first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A later stage is dearer, so it has fewer draws.
DRAWS = {
    "cut": 10,
    "batchnorm": 10,
    "reconstruction": 5,
    "1 epoch": 5,
    "1 epoch after reconstruction": 5,
    "5 epochs": 5,
    "5 epochs after reconstruction": 5,
}
STAGES = tuple(DRAWS)
SHARES = (0.5, 0.7, 0.3)  # of the MACs that are left
MEASURED = "sensitivity"  # amounts chosen by the harm that is left after reconstruction
SCOPES = ("layer", "global", "isomorphic", MEASURED)


@dataclass(frozen=True)
class Judge:
    """A criterion as the grid asks for it.

    Args:
        method: name of the criterion.
        options: of `tfprune.score`, beside a seed.
        scopes: ways to choose the amounts; "" for a selector that has none.
        samples: images at most, where the method's own number would take too long.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    scopes: Sequence[str] = SCOPES
    samples: int | None = None


JUDGES = {
    "random": Judge("random"),
    "l2": Judge("l2"),
    "group_l2": Judge("group_l2"),
    "obs": Judge("obs"),
    "taylor": Judge("taylor"),
    "fgp": Judge("fgp"),
    "gfbs": Judge("gfbs"),
    "l1": Judge("l1"),
    "bn_scale": Judge("bn_scale"),
    "fpgm": Judge("fpgm"),
    "gfi": Judge("gfi", samples=1000),  # of 45,000
    "hrank": Judge("hrank"),
    "similarity": Judge("similarity", scopes=("",)),
    "similarity, mean": Judge("similarity", {"coupled": "mean"}, scopes=("",)),
    "fmc": Judge("fmc"),
}


@dataclass(frozen=True)
class Cell:
    """One accuracy that is to be measured.

    Args:
        network: name of the network.
        judge: a name of `JUDGES`.
        scope: how the amounts are chosen.
        share: of the MACs, what is left.
        draw: which images are looked at, and in which order they are trained on.
        stage: what is done after the cut: a name of `STAGES`.
    """

    network: str
    judge: str
    scope: str
    share: float
    draw: int
    stage: str


def cells(
    networks: Sequence[str],
    judges: Sequence[str] = tuple(JUDGES),
    scopes: Sequence[str] = (*SCOPES, ""),
    shares: Sequence[float] = SHARES,
    stages: Sequence[str] = STAGES,
    draws: int = max(DRAWS.values()),
) -> Iterator[Cell]:
    """Yield what is to be computed, in an order in which any stop leaves pairs that are whole.

    Stages that need no training come together and first, then draw by draw, amount by amount.

    Args:
        networks: names of networks.
        judges: names of `JUDGES`.
        scopes: ways to choose the amounts; a criterion has those of them that it knows.
        shares: of the MACs, what is left.
        stages: of `STAGES`.
        draws: at most so many of each.

    Example:
        >>> found = cells(["net"], ["similarity"], shares=[0.5], stages=["cut", "1 epoch"], draws=2)
        >>> [(cell.draw, cell.stage) for cell in found]
        [(0, 'cut'), (1, 'cut'), (0, '1 epoch'), (1, '1 epoch')]
    """
    cheap = [stage for stage in stages if not trained(stage)]
    for together in (cheap, *([stage] for stage in stages if stage not in cheap)):
        most = max((DRAWS[stage] for stage in together), default=0)
        for draw in range(min(draws, most)):
            for network in networks:
                for share in shares:
                    for judge in judges:
                        for scope in JUDGES[judge].scopes:
                            for stage in together:
                                if scope in scopes and draw < DRAWS[stage]:
                                    yield Cell(network, judge, scope, share, draw, stage)


def trained(stage: str) -> bool:
    """Return whether a stage holds training.

    Example:
        >>> trained("1 epoch"), trained("reconstruction")
        (True, False)
    """
    return stage[0].isdigit()
