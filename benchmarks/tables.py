"""Published FLOPs and parameters beside those of models that were really pruned.

    python -m benchmarks.tables [--verify]

FP-FMC's 13 rows are pruned with random scores at the paper's compress rates: the counts follow
from the rates alone. `--verify` also compares every pruned model with its masked original.
"""

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import keras

import models
import tfprune
from benchmarks.published import BASELINES, FMC_ROWS, Row
from models import compress_rates


@dataclass(frozen=True)
class Line:
    """One published figure beside the computed one."""

    name: str
    what: str
    published: str
    computed: float

    @property
    def matches(self) -> bool:
        """Whether the computed figure, rounded or truncated, prints as the published one."""
        number, unit = self.published[:-1], {"M": 1e6, "B": 1e9}[self.published[-1]]
        digits = len(number.partition(".")[2])
        value, scale = self.computed / unit, 10**digits
        return number in (f"{value:.{digits}f}", f"{math.floor(value * scale) / scale:.{digits}f}")


def prune_at(row: Row, seed: int = 0) -> tuple[tfprune.ChannelGraph, Mapping, keras.Model]:
    """Prune a row's network at its compress rates; which channels go is random.

    Args:
        row: a row of FP-FMC's table.
        seed: of the choice.

    Returns:
        The graph, the keep masks and the pruned model.
    """
    graph = tfprune.analyse(models.build(row.network))
    counts = compress_rates.counts(row.network, row.rates)
    scores = tfprune.score(graph, "random", None, seed=seed)
    keep = tfprune.select(graph, scores, counts=counts)
    return graph, keep, tfprune.rebuild(graph, keep)


def lines(*, verify: bool) -> Iterator[Line]:
    """Yield every published figure with the computed one."""
    for base in BASELINES:
        model = models.build(base.network, **dict(base.options))
        cost = tfprune.cost(model, base.convention)
        yield Line(base.network, f"FLOPs ({base.convention})", base.flops, cost.macs)
        if base.params:
            yield Line(base.network, f"parameters ({base.convention})", base.params, cost.params)
    for row in FMC_ROWS:
        graph, keep, small = prune_at(row)
        cost = tfprune.cost(small, "thop")
        yield Line(f"{row.network} {row.rates}", "FLOPs (thop)", row.flops, cost.macs)
        yield Line(f"{row.network} {row.rates}", "parameters (thop)", row.params, cost.params)
        if verify:
            tfprune.verify(graph, keep, small)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="compare with the masked originals")
    wrong = 0
    for line in lines(verify=parser.parse_args().verify):
        wrong += not line.matches
        mark = "=" if line.matches else "differs"
        print(f"{line.published:>9} {line.computed:>15,} {mark:8} {line.what:20} {line.name}")
    print(f"{wrong} published figures are not met (benchmarks/published.py says which).")


if __name__ == "__main__":
    main()
