"""Scoring by gradients beside a training step of the same model, per batch.

A criterion that runs back through the model is to cost at most 0.6 of a training step per batch.
Processor time is measured too: where something else runs on the machine, it tells more.
"""

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

import numpy as np
import tensorflow as tf

import models
import tfprune
from benchmarks.scoring._clock import Seconds, machine, now
from tfprune.training import Recipe
from tfprune.training.run import Run
from tfprune.training.steps import nothing

NETWORKS = {"resnet20": 128, "resnet56": 128}  # images per batch
OPTIONS = {"fgp": {"images_per_class": None}, "taylor": {}, "gfbs": {}}
STEP, MOST = "training step", 0.6
ROUNDS, BATCHES, WARM_UP = 5, 4, 2


def main() -> None:
    """Measure every network and print one table."""
    print(machine())
    for network, batch_size in NETWORKS.items():
        model = models.build(network, num_classes=10, input_shape=(32, 32, 3))
        print(table(f"{network}, {batch_size} images", measure(tasks(model, batch_size))))


def tasks(model: Any, batch_size: int) -> dict[str, Callable[[], Seconds]]:
    """Return {name: task}; each returns the seconds that it took per batch."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch_size, *model.input_shape[1:])).astype("float32")
    labels = np.arange(batch_size) % model.output_shape[-1]
    graph = tfprune.analyse(model)
    scoring = {name: _scoring(graph, name, (images, labels), OPTIONS[name]) for name in OPTIONS}
    return {STEP: _training(model, (images, labels)), **scoring}


def measure(todo: Mapping[str, Callable[[], Seconds]], rounds: int = ROUNDS) -> dict[str, Seconds]:
    """Return the medians of what the tasks took, run by turns."""
    taken = {name: [] for name in todo}
    for _ in range(rounds):
        for name, task in todo.items():
            taken[name].append(task())
    return {
        name: tuple(median(column) for column in zip(*seconds, strict=True))
        for name, seconds in taken.items()
    }


def table(title: str, measured: Mapping[str, Seconds]) -> str:
    """Return a line per task: milliseconds per batch, and as a share of the training step's.

    Args:
        title: what was measured.
        measured: seconds per batch, those of the training step among them.
    """
    lines = [f"{title:24}{'ms':>8}{'/ step':>8}{'cpu ms':>8}{'/ step':>8}"]
    for name, seconds in measured.items():
        shares = [own / step for own, step in zip(seconds, measured[STEP], strict=True)]
        cells = [f"{1e3 * s:8.0f}{share:8.2f}" for s, share in zip(seconds, shares, strict=True)]
        late = "" if name == STEP or shares[1] <= MOST else f"  more than {MOST}"
        lines.append(f"{name:24}{''.join(cells)}{late}")
    return "\n".join(lines)


def _scoring(
    graph: tfprune.ChannelGraph, criterion: str, batch: tuple, options: Mapping[str, Any]
) -> Callable[[], Seconds]:
    def task() -> Seconds:
        marks: list[Seconds] = []

        def batches() -> Iterator[tuple]:
            for _ in range(WARM_UP + BATCHES):
                marks.append(now())
                yield batch
            marks.append(now())  # asked for more: the last one is done

        tfprune.score(graph, criterion, batches(), **options)
        return _per_batch(marks[WARM_UP], marks[-1])

    return task


def _training(model: Any, batch: tuple) -> Callable[[], Seconds]:
    run = Run(model, Recipe(epochs=1), None)
    batches = iter(tf.data.Dataset.from_tensors(batch).cache().repeat())

    def steps(count: int) -> None:
        sums = nothing(run.objective)
        for _ in range(count):
            sums, _ = run.train_step(batches, sums, False)
        sums.numpy()  # waits for the last step

    def task() -> Seconds:
        steps(WARM_UP)
        start = now()
        steps(BATCHES)
        return _per_batch(start, now())

    return task


def _per_batch(start: Seconds, end: Seconds) -> Seconds:
    return tuple((b - a) / BATCHES for a, b in zip(start, end, strict=True))
