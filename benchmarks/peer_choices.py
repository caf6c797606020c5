"""The peer's choices against ours: the same published network, images, MACs and fine-tuning.

python -m benchmarks.peer_choices --peer_python=PYTHON --weights=DIR --data_dir=DIR

Torch-Pruning chooses in its own interpreter; which filters it takes is carried out by tfprune, so
that the stages after the cut are the grid's own for all (`--report` writes their section of
docs/results.md). It cannot prune the streams of networks
with padded shortcuts, so each of our criteria is shown within the blocks as well as free.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

import tfprune
import tfprune.data
from benchmarks import marks, rows
from benchmarks.grid.computing import BATCH, CALIBRATION, Pruned, batches
from benchmarks.grid.material import PUBLISHED, Images, published
from benchmarks.grid.running import provenance
from benchmarks.grid.statistics import difference
from tfprune.weights.layouts.hrank_resnet import modules

TABLE, PAGE = Path("docs/peers.csv"), Path("docs/results.md")
KEY = ("network", "tool", "criterion", "scope", "share", "draw", "stage")
PEER = "Torch-Pruning"
OURS = {"within blocks": ("*_1_conv",), "all channels": ()}  # what may go
NAMES = {"l1": "l1", "taylor": "taylor", "group norm": "group_l2"}  # the peer's, ours
STAGES = ("cut", "batchnorm", "reconstruction", "1 epoch")
_ROOT = Path(__file__).parents[1]


def wanted(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the rows that are asked for, the stages of one cut together."""
    for draw in range(options.draws):
        for network in options.networks:
            for scope in options.scopes:
                for criterion in NAMES:
                    for tool in (PEER, *OURS):
                        for stage in options.stages:
                            key = network, tool, criterion, scope, options.share, draw, stage
                            yield tuple(map(str, key))


class Bench:
    """A network with one draw of images."""

    def __init__(self, network: str, images: Images, options: argparse.Namespace):
        self.network, self.images, self.options = network, images, options
        self.graph = tfprune.analyse(published(network, options.weights))
        self.sample = images.sample(CALIBRATION)

    def pruned(self, tool: str, criterion: str, scope: str, share: float) -> Pruned:
        """Return the network as one of the tools cuts it."""
        chosen = self._theirs if tool == PEER else self._ours
        return Pruned(self.graph, chosen(tool, criterion, scope, share), self.images, {})

    def _ours(self, tool: str, criterion: str, scope: str, share: float) -> dict[str, np.ndarray]:
        data = batches(*self.sample, BATCH) if criterion == "taylor" else None
        scores = tfprune.score(self.graph, NAMES[criterion], data)
        return tfprune.select(self.graph, scores, macs=share, scope=scope, include=OURS[tool])

    def _theirs(self, tool: str, criterion: str, scope: str, share: float) -> dict[str, np.ndarray]:
        del tool
        request = {"importance": criterion, "scope": scope, "share": share}
        return masks(self.graph, self._ask(request)["kept"])

    def _ask(self, request: Mapping[str, object]) -> dict:
        images, labels = self.sample
        with tempfile.TemporaryDirectory() as folder:
            np.savez(f"{folder}/data.npz", images=images, labels=labels.astype(np.int64))
            weights = self.options.weights.resolve() / PUBLISHED[self.network]
            depth = int("".join(filter(str.isdigit, self.network)))
            request = dict(request) | {
                "depth": depth, "weights": str(weights), "data": f"{folder}/data.npz"
            }  # fmt: skip
            command = [self.options.peer_python, "-m", "benchmarks.peer_choices_worker"]
            answer = subprocess.run(  # noqa: S603 - the interpreter is the caller's own
                [*command, json.dumps(request)], cwd=_ROOT, env=_alone(), check=True,
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        return json.loads(answer.stdout.splitlines()[-1])


def masks(graph: tfprune.ChannelGraph, kept: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Return keep masks of our layers from the filters that stay in the peer's modules.

    Args:
        graph: of a network of `PUBLISHED`.
        kept: {module of the checkpoint: filters that stay}.
    """
    names = modules(list(graph.producers))
    found = {}
    for layer, module in names.items():
        if module in kept:
            found[layer] = np.zeros(graph.channels(layer), bool)
            found[layer][list(kept[module])] = True
    return found


def report(table: Path) -> str:
    """Return mean accuracies per tool, with what ours has more than the peer, as Markdown."""
    found: dict[tuple[str, ...], dict[str, dict[int, float]]] = {}
    for row in rows.read(table):
        of = (row["network"], row["criterion"], row["scope"], row["tool"])
        by_draw = found.setdefault(of, {}).setdefault(row["stage"], {})
        by_draw[int(row["draw"])] = 100 * float(row["accuracy"])
    head = ["network", "criterion", "scope", "tool", *STAGES]
    lines = [marks.line(head), marks.line(["---"] * len(head))]
    for of, by_stage in sorted(found.items()):
        peer = found.get((*of[:-1], PEER), {}) if of[-1] != PEER else {}
        cells = [_told(by_stage.get(x, {}), peer.get(x, {})) for x in STAGES]
        lines.append(marks.line([*of, *cells]))
    return "\n".join(lines)


def _told(own: Mapping[int, float], peer: Mapping[int, float]) -> str:
    if not own:
        return "-"
    mean, more = f"{np.mean(list(own.values())):.1f}", difference(own, peer)
    if more is None:
        return mean
    return f"{mean} ({more.mean:+.1f} [{more.low:+.1f}, {more.high:+.1f}])"


def _alone() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def main(arguments: Sequence[str]) -> None:
    """Compute what the table lacks."""
    parser = argparse.ArgumentParser(prog="benchmarks.peer_choices", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--report", action="store_true", help="write the page, compute nothing")
    parser.add_argument("--peer_python", help="has torch and torch-pruning")
    parser.add_argument("--weights", type=Path, help="published weights")
    parser.add_argument("--data_dir", help="where CIFAR-10 lies")
    parser.add_argument("--networks", nargs="+", default=["resnet20_a"])
    parser.add_argument("--scopes", nargs="+", default=["layer", "global"])
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args(arguments)
    if options.report:
        marks.insert(PAGE, "peers", report(options.table))
        return
    data, how = tfprune.data.load("cifar10", data_dir=options.data_dir), provenance()
    done, bench, cut = rows.known(options.table, KEY), (None, None), (None, None)
    for key in wanted(options):
        if key in done:
            continue
        network, tool, criterion, scope, share, draw, stage = key
        if bench[0] != (network, draw):
            bench = (network, draw), Bench(network, Images(data, int(draw)), options)
        if cut[0] != key[:-1]:
            cut = key[:-1], bench[1].pruned(tool, criterion, scope, float(share))
        row = dict(zip(KEY, key, strict=True)) | cut[1].row(stage) | how
        rows.append(options.table, row)
        print(*row.values(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
