"""What the table of pruning without training says: medians over the draws, as text and picture.

python -m benchmarks.without_training_report [--figure docs/without_training.png]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks import rows
from benchmarks.without_training import TABLE
from tfprune.reporting.figures.accuracy_cost import accuracy_cost

GROUP = ("network", "criterion", "amounts", "images", "passes", "share")
STAGES = {
    "cut": "after the cut",
    "batchnorm": "BatchNorm anew",
    "reconstructed": "kernels solved anew",
}
WHOLE = {"resnet20_a": 91.73, "resnet56_a": 93.39}  # measured on the same test split
_SHOWN = {"network": "resnet20_a", "criterion": "l2", "amounts": "sensitivity", "images": "2000",
          "passes": "0"}  # fmt: skip


def groups(table: Path) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """Return the rows of each setting, its draws, the most MACs left first."""
    found: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows.read(table):
        found.setdefault(tuple(row[name] for name in GROUP), []).append(row)
    return dict(sorted(found.items(), key=lambda pair: (pair[0][0], -float(pair[0][-1]), *pair[0])))


def median(own: Sequence[dict[str, str]], name: str) -> float:
    """Return the median of a column over the draws."""
    return float(np.median([float(row[name]) for row in own]))


def report(table: Path) -> str:
    """Return a line per setting, as Markdown."""
    heads = ["network", "which channels", "how much of each layer", "images", "passes",
             "MACs left", "draws", *STAGES.values()]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (network, criterion, amounts, images, passes, _), own in groups(table).items():
        left = f"{100 * median(own, 'macs_left'):.1f} %"
        cells = [network, criterion, amounts, images, passes, left, str(len(own))]
        cells += [f"{median(own, stage):.2f}" for stage in STAGES]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def figure(table: Path) -> Figure:
    """Return the accuracy against the MACs left, after each stage, of the setting in `_SHOWN`."""
    shown = [own for own in groups(table).values() if _SHOWN.items() <= own[0].items()]
    whole = (1.0, WHOLE[_SHOWN["network"]] / 100)
    points = [(float(own[0]["share"]), own) for own in shown]
    return accuracy_cost(
        {
            name: [whole, *((share, median(own, stage) / 100) for share, own in points)]
            for stage, name in reversed(STAGES.items())
        }
    )


def main(arguments: Sequence[str]) -> None:
    """Print the table, or write the figure."""
    parser = argparse.ArgumentParser(prog="benchmarks.without_training_report", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--figure", type=Path, help="PNG or SVG; without: the table as Markdown")
    options = parser.parse_args(arguments)
    if options.figure is None:
        print(report(options.table))
        return
    figure(options.table).savefig(options.figure, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main(sys.argv[1:])
