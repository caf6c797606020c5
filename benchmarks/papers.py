"""The papers' own settings on published networks: what they really remove, and what is left.

python -m benchmarks.papers --weights=DIR --data_dir=DIR

Beside each figure stands the paper's. Its networks, weights and recipes differ from
these (`differs` in `SETTINGS`), and its accuracies follow 40 to 300 epochs of fine-tuning.
`--report` writes the table's section of docs/results.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import models.compress_rates
import tfprune
import tfprune.data
from benchmarks import marks, rows
from benchmarks.grid.computing import BATCH, Pruned, batches
from benchmarks.grid.material import Images, published
from benchmarks.grid.running import provenance
from tfprune import criteria, plugins

TABLE, PAGE = Path("docs/papers.csv"), Path("docs/results.md")
KEY = ("setting", "draw", "stage")
STAGES = ("cut", "batchnorm", "reconstruction", "1 epoch", "5 epochs")


@dataclass(frozen=True)
class Setting:
    """A row of a paper's table.

    Args:
        network: the published network that it is tried on.
        method: name of the method.
        amount: of `tfprune.select`; "compress_rate" in FP-FMC's grammar.
        convention: how the paper counts.
        flops: share of the FLOPs that the paper removes, in %.
        params: share of the parameters, likewise; None where it gives none.
        accuracy: the paper's after its fine-tuning, in %.
        differs: what differs from the paper's.
    """

    network: str
    method: str
    amount: Mapping[str, object]
    convention: str
    flops: float
    params: float | None
    accuracy: float
    differs: str = field(repr=False)


_LI = "padded shortcuts instead of projections: the stem decides for all streams' layers"
_ITS_OWN = "the same network; other weights"
_GFI = "shortcuts subsample instead of max pooling, convolutions without bias"


def _li(network: str, *found: tuple[float, float, float, float]) -> dict[str, Setting]:
    return {
        f"similarity, {network.removesuffix('_a')}, {threshold}": Setting(
            network, "similarity", {"threshold": threshold}, "li", flops, params, accuracy, _LI
        )
        for threshold, flops, params, accuracy in found
    }


SETTINGS = {
    **_li("resnet20_a", (0.8, 19.4, 19.4, 91.79), (0.75, 32.7, 26.3, 91.73),
          (0.7, 51.0, 47.0, 90.90)),
    **_li("resnet32_a", (0.7, 64.5, 57.4, 91.27)),
    **_li("resnet44_a", (0.7, 47.9, 42.7, 92.18)),
    **_li("resnet56_a", (0.7, 49.9, 44.0, 92.42)),
    "gfi, resnet32, p = 0.41": Setting(
        "resnet32_a", "gfi", {"ratio": 0.41}, "ptflops", 42.5, None, 92.09, _GFI
    ),
    "fmc, resnet56, second row": Setting(
        "resnet56_a", "fmc", {"compress_rate": "[0.]+[0.15]*2+[0.4]*27"}, "hrank", 47.4, 42.8,
        94.22, _ITS_OWN,
    ),
}  # fmt: skip


class Bench:
    """A setting with one draw of images."""

    def __init__(self, setting: Setting, images: Images, weights: Path):
        self.setting, model = setting, published(setting.network, weights)
        self.graph = tfprune.analyse(model)
        self.pruned = Pruned(self.graph, self._keep(images), images, {})

    def _keep(self, images: Images) -> dict[str, np.ndarray]:
        method = plugins.find(criteria, self.setting.method, "method").METHOD
        data = batches(*images.sample(method.samples), method.batch or BATCH)
        amount = dict(self.setting.amount)
        rates = amount.pop("compress_rate", None)
        if rates is not None:
            amount["counts"] = models.compress_rates.counts(self.setting.network, rates)
        scores = tfprune.score(self.graph, self.setting.method, data)
        return tfprune.select(self.graph, scores, **amount)

    def row(self, stage: str) -> dict[str, object]:
        """Return the measured columns."""
        before, after = (
            tfprune.cost(model, self.setting.convention)
            for model in (self.graph.model, self.pruned.small)
        )
        return {
            "flops_removed": f"{100 * (1 - after.macs / before.macs):.1f}",
            "params_removed": f"{100 * (1 - after.params / before.params):.1f}",
        } | self.pruned.row(stage)


def report(table: Path) -> str:
    """Return a line per setting, the paper's figures in brackets, as Markdown."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows.read(table):
        if row["draw"] == "0":
            found.setdefault(row["setting"], {})[row["stage"]] = row
    head = [
        "setting",
        "FLOPs removed",
        "parameters removed",
        *STAGES,
        "paper's accuracy",
        "differs",
    ]
    lines = [marks.line(head), marks.line(["---"] * len(head))]
    for name, by_stage in found.items():
        setting, any_row = SETTINGS[name], next(iter(by_stage.values()))
        accuracies = [by_stage[x]["accuracy"] if x in by_stage else "" for x in STAGES]
        removed = [
            f"{any_row[column]} %" + (f" ({paper} %)" if paper is not None else "")
            for column, paper in (
                ("flops_removed", setting.flops), ("params_removed", setting.params)
            )
        ]  # fmt: skip
        points = [f"{100 * float(x):.1f}" if x else "-" for x in accuracies]
        lines.append(marks.line([name, *removed, *points, str(setting.accuracy), setting.differs]))
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Compute what the table lacks."""
    parser = argparse.ArgumentParser(prog="benchmarks.papers", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--report", action="store_true", help="write the page, compute nothing")
    parser.add_argument("--weights", type=Path, help="published weights")
    parser.add_argument("--data_dir", help="where CIFAR-10 lies")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    parser.add_argument("--draws", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.report:
        marks.insert(PAGE, "papers", report(options.table))
        return
    data, how = tfprune.data.load("cifar10", data_dir=options.data_dir), provenance()
    done = rows.known(options.table, KEY)
    for draw in range(options.draws):
        for name in options.settings:
            left = [x for x in options.stages if (name, str(draw), x) not in done]
            if not left:
                continue
            bench = Bench(SETTINGS[name], Images(data, draw), options.weights)
            for stage in left:
                row = dict(zip(KEY, (name, draw, stage), strict=True)) | bench.row(stage) | how
                rows.append(options.table, row)
                print(*row.values(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
