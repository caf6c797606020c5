"""What is left of published networks after a cut, without labels and without training.

python -m benchmarks.without_training --weights=DIR --data_dir=DIR [--networks resnet20_a] ...

Each row of the table is one cut: its accuracy right after it, with BatchNorm statistics anew, and
with the kernels solved anew, all from the same unlabelled training images. With --passes all
weights go over the images and their mirror images together afterwards, so many times. Rows that the
table holds are not computed again.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

import tfprune
import tfprune.data
from benchmarks import rows
from benchmarks.grid.material import Images, published

TABLE = Path("docs/without_training.csv")
KEY = ("network", "criterion", "amounts", "share", "draw", "images", "passes")
FREE = ("l1", "l2", "group_l2", "random", "fpgm", "bn_scale")  # of data


def wanted(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the rows that are asked for, draw by draw."""
    for draw, network, share, amounts, criterion in itertools.product(
        range(options.draws), options.networks, options.shares, options.amounts, options.criteria
    ):
        counts = str(options.images), str(options.passes)
        yield network, criterion, amounts, str(share), str(draw), *counts


class Bench:
    """A network with its images and the scores that were computed so far."""

    def __init__(self, model: keras.Model, images: Images, count: int):
        self.model, self.graph = model, tfprune.analyse(model)
        self.samples, self.labels = images.sample(count)
        self.test = images.test(whole=True)
        self.draw, self._known = images.draw, {}
        self.macs = tfprune.cost(model).macs

    def row(self, criterion: str, amounts: str, share: float, passes: int) -> dict[str, object]:
        """Return the measured columns of a cut."""
        start = time.perf_counter()
        keep = self._keep(criterion, amounts, share)
        choosing = time.perf_counter() - start
        small = tfprune.rebuild(self.graph, keep)
        x = self.samples
        given = np.concatenate([x, x[:, :, ::-1]]) if passes else x
        solved, found = tfprune.reconstruct(
            self.graph, keep, small, given, passes=passes, seed=self.draw
        )
        batches = [self.samples[i : i + 250] for i in range(0, len(self.samples), 250)]
        anew = tfprune.training.recalibrate(small, batches)
        return {
            "macs_left": f"{tfprune.cost(small).macs / self.macs:.4f}",
            "cut": self.accuracy(small),
            "batchnorm": self.accuracy(anew),
            "reconstructed": self.accuracy(solved),
            "seconds_choosing": f"{choosing:.1f}",
            "seconds_solving": f"{found.seconds:.1f}",
        }

    def accuracy(self, model: keras.Model) -> str:
        """Return the accuracy on the test split, in percent."""
        x, y = self.test
        parts = [model.predict_on_batch(x[i : i + 1000]) for i in range(0, len(x), 1000)]
        return f"{100 * np.mean(np.concatenate(parts).argmax(-1) == y):.2f}"

    def _keep(self, criterion: str, amounts: str, share: float) -> dict[str, np.ndarray]:
        scores = self._once(criterion, lambda: self._scores(criterion))
        if amounts != "sensitivity":
            return tfprune.select(self.graph, scores, macs=share, scope=amounts)
        measured = self._once(
            (criterion, amounts),
            lambda: tfprune.sensitivity(self.graph, self.samples, scores, seed=self.draw),
        )
        return measured.keep(macs=share)

    def _scores(self, criterion: str) -> tfprune.Scores:
        options = {"seed": self.draw} if criterion in ("random", "obs") else {}
        data = None if criterion in FREE else (self.samples, self.labels)
        return tfprune.score(self.graph, criterion, data, **options)

    def _once(self, key: object, make: object) -> object:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]


def main(arguments: Sequence[str]) -> None:
    """Compute what the table lacks."""
    parser = argparse.ArgumentParser(prog="benchmarks.without_training", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--weights", type=Path, required=True, help="published weights")
    parser.add_argument("--data_dir", help="where CIFAR-10 lies")
    parser.add_argument("--networks", nargs="+", default=["resnet20_a", "resnet56_a"])
    parser.add_argument("--criteria", nargs="+", default=["obs", "l2", "group_l2", "random"])
    parser.add_argument("--amounts", nargs="+", default=["layer", "global", "sensitivity"])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.7, 0.5, 0.3])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--passes", type=int, default=0, help="over all weights together")
    options = parser.parse_args(arguments)
    done = rows.known(options.table, KEY)
    data = tfprune.data.load("cifar10", data_dir=options.data_dir)
    bench, at = None, None
    for key in wanted(options):
        if key in done:
            continue
        network, criterion, amounts, share, draw, count, passes = key
        if at != (network, draw):
            images = Images(data, int(draw))
            bench, at = (
                Bench(published(network, options.weights), images, int(count)),
                (network, draw),
            )
        row = dict(zip(KEY, key, strict=True)) | bench.row(
            criterion, amounts, float(share), int(passes)
        )
        rows.append(options.table, row)
        print(*row.values(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
