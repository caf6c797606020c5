"""Compute the cells of one network and one draw."""

import inspect
import time
from collections.abc import Callable, Mapping
from functools import cached_property

import keras
import numpy as np

import tfprune
from benchmarks.grid.cells import JUDGES, MEASURED, Cell, trained
from benchmarks.grid.material import Images
from tfprune import criteria, plugins
from tfprune.training import evaluate, fine_tune, recalibrate

CALIBRATION = 1000  # images, without labels, for BatchNorm and for reconstruction
BATCH = 250
RECIPE = {
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 5e-4,
    "decay_all": False,
    "schedule": "cosine",
}


class Bench:
    """One network with the images of one draw.

    Args:
        model: the network; it is not changed.
        images: the draw.
    """

    def __init__(self, model: keras.Model, images: Images):
        self.model, self.images = model, images
        self.graph = tfprune.analyse(model)
        self._scores: dict[str, tfprune.Scores] = {}
        self._harm: dict[str, tfprune.Sensitivity] = {}
        self._accuracies: dict[bytes, float] = {}
        self._last: tuple[tuple, Pruned] | None = None

    def measure(self, cell: Cell) -> dict[str, object]:
        """Return the columns of a cell's row that depend on what is computed."""
        start = time.perf_counter()
        try:
            found = self._pruned(cell).row(cell.stage)
        except tfprune.PruningError as error:  # such as an amount that the scope cannot reach
            return {"note": str(error).split("\n")[0]}
        return found | {"seconds": f"{time.perf_counter() - start:.1f}"}

    def _pruned(self, cell: Cell) -> "Pruned":
        """Return the cut model of a cell; the stages of one cut share it."""
        key = (cell.judge, cell.scope, cell.share)
        if self._last is None or self._last[0] != key:
            keep = self._chosen(cell)
            self._last = key, Pruned(self.graph, keep, self.images, self._accuracies)
        return self._last[1]

    def _chosen(self, cell: Cell) -> dict[str, np.ndarray]:
        scores = self._scored(cell.judge)
        if cell.scope != MEASURED:
            scope = {"scope": cell.scope} if cell.scope else {}
            return tfprune.select(self.graph, scores, macs=cell.share, **scope)
        if cell.judge not in self._harm:
            images, _ = self.images.sample(CALIBRATION)
            seed = self.images.draw
            self._harm[cell.judge] = tfprune.sensitivity(self.graph, images, scores, seed=seed)
        return self._harm[cell.judge].keep(macs=cell.share)

    def _scored(self, name: str) -> "tfprune.Scores":
        if name not in self._scores:
            judge = JUDGES[name]
            module = plugins.find(criteria, judge.method, "method")
            options = dict(judge.options)
            if "seed" in inspect.signature(module.score).parameters:
                options["seed"] = self.images.draw
            data = None
            if module.METHOD.needs_data:
                count = module.METHOD.samples if judge.samples is None else judge.samples
                data = batches(*self.images.sample(count), module.METHOD.batch or BATCH)
            self._scores[name] = tfprune.score(self.graph, judge.method, data, **options)
        return self._scores[name]


class Pruned:
    """A cut model, and what becomes of it.

    Args:
        graph: channel graph of the network.
        keep: the masks.
        images: the draw.
        known: accuracies after the cut by masks: where two methods agree, one is measured.
    """

    def __init__(
        self,
        graph: tfprune.ChannelGraph,
        keep: Mapping[str, np.ndarray],
        images: Images,
        known: dict[bytes, float],
    ):
        self.graph, self.keep, self.images, self.known = graph, keep, images, known
        self.small = tfprune.rebuild(graph, keep)

    def row(self, stage: str) -> dict[str, object]:
        """Return the columns of a table's row that a stage gives."""
        cost = tfprune.cost(self.small)
        return {
            "accuracy": f"{self.accuracy(stage):.4f}",
            "images": self.tested(stage),
            "macs": cost.macs,
            "parameters": cost.params,
            "normalisation": self.images.normalisation,
        }

    def accuracy(self, stage: str) -> float:
        """Return the accuracy after a stage, in 0..1."""
        if stage != "cut":
            return self._tested(STAGES[stage](self), stage)
        key = b"".join(np.packbits(mask).tobytes() for mask in self.keep.values())
        if key not in self.known:
            self.known[key] = self._tested(self.small, stage)
        return self.known[key]

    def tested(self, stage: str) -> int:
        """Return on how many test images a stage is measured."""
        return len(self._test(stage)[1])

    def _test(self, stage: str) -> tuple[np.ndarray, np.ndarray]:
        return self.images.test(whole=trained(stage))

    def _tested(self, model: keras.Model, stage: str) -> float:
        return evaluate(model, self._test(stage), batch_size=BATCH)["accuracy"]

    @cached_property
    def calibrated(self) -> keras.Model:
        """The cut model with new statistics for BatchNorm."""
        images, labels = self.images.sample(CALIBRATION)
        return recalibrate(self.small, batches(images, labels, BATCH))

    @cached_property
    def reconstructed(self) -> keras.Model:
        """The cut model with kernels that answer best to what they now receive."""
        images, _ = self.images.sample(CALIBRATION)
        return tfprune.reconstruct(
            self.graph, self.keep, self.small, images, seed=self.images.draw
        )[0]

    def tuned(self, start: keras.Model, epochs: int) -> keras.Model:
        """Return a model after some epochs of training."""
        recipe = tfprune.training.Recipe(epochs=epochs, seed=self.images.draw, **RECIPE)
        return fine_tune(start, self.images.training(), recipe=recipe)[0]


STAGES: dict[str, Callable[[Pruned], keras.Model]] = {
    "batchnorm": lambda pruned: pruned.calibrated,
    "reconstruction": lambda pruned: pruned.reconstructed,
    "1 epoch": lambda pruned: pruned.tuned(pruned.calibrated, 1),
    "1 epoch after reconstruction": lambda pruned: pruned.tuned(pruned.reconstructed, 1),
    "5 epochs": lambda pruned: pruned.tuned(pruned.calibrated, 5),
    "5 epochs after reconstruction": lambda pruned: pruned.tuned(pruned.reconstructed, 5),
}


def batches(
    images: np.ndarray, labels: np.ndarray, size: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images and labels in batches.

    Args:
        images: [N, ...].
        labels: [N].
        size: images in a batch; the last may have fewer.
    """
    return [(images[i : i + size], labels[i : i + size]) for i in range(0, len(images), size)]
