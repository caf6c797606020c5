"""What pruning gains in the runtimes that serve a model, beside what its MACs promise.

    python -m benchmarks.latency --csv=docs/latency.csv
    python -m benchmarks.latency --latency 0.5 0.7 --tables=runs/tables --csv=docs/latency.csv

Each network is pruned to a share of its MACs with widths that are whatever comes out, multiples of
8, of 16 and of 32, and each is timed by turns with the original, on one thread. The clock is
the processor's: on a machine that others use, too, their turns do not count, what they push out of
the caches does. Which channels go is random: it does not change the time. `--latency` asks for a
share of the time instead; the tables of layers' times are kept in `--tables` and taken from there.
Models are timed three times, by fresh copies; the row is of the middle share.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import keras
import tensorflow as tf

import models
import tfprune
from benchmarks import rows
from tfprune.costs.timing import Latency
from tfprune.costs.timing.measuring import of_runners
from tfprune.costs.timing.runners import Runner

NETWORKS = {
    "ResNet-50": lambda: keras.applications.ResNet50(weights=None),
    "MobileNetV2": lambda: keras.applications.MobileNetV2(weights=None),
    "ResNet-56": lambda: models.build("resnet56"),
}
RUNTIMES = {
    "tflite": 1,
    "tflite_float16": 1,
    "tflite_int8": 1,
    "onnx": 1,
    "openvino": 1,
    "keras": 8,
    "saved_model": 8,
}
ROUNDINGS = (1, 8, 16, 32)


def variants(
    graph: tfprune.ChannelGraph, macs: float, roundings: Sequence[int]
) -> Iterator[tuple[str, keras.Model]]:
    """Yield (what its widths are, model) of a network at a share of its MACs.

    Args:
        graph: channel graph of the network.
        macs: the share that is left.
        roundings: what widths are multiples of.
    """
    scores = tfprune.score(graph, "random", None, seed=0)
    for size in roundings:
        keep = tfprune.select(graph, scores, macs=macs, round_to=size)
        yield f"multiples of {size}", tfprune.rebuild(graph, keep)


def aimed(
    graph: tfprune.ChannelGraph, share: float, runtime: str, batch: int, tables: Path
) -> tuple[str, keras.Model]:
    """Return (what was asked for, model) of a network at a share of its time.

    Args:
        graph: channel graph of the network.
        share: of the time that is left.
        runtime: where it counts.
        batch: images per call.
        tables: folder of the tables of layers' times; one that is missing is made.
    """
    path = tables / f"{graph.model.name}_{runtime}_{batch}.json"
    if not path.exists():
        tables.mkdir(parents=True, exist_ok=True)
        table = tfprune.latency_table(
            graph, runtime, batch, threads=1, clock="processor", repeats=10, progress=_tell
        )
        table.save(path)
    scores = tfprune.score(graph, "random", None, seed=0)
    keep = tfprune.select(graph, scores, latency=share, table=path)
    return f"latency={share}", tfprune.rebuild(graph, keep)


def row(
    network: str, what: str, model: keras.Model, small: keras.Model, times: Sequence[Latency]
) -> dict[str, Any]:
    """Return what was measured of one network, as the table has it.

    Args:
        network: its name.
        what: what its widths are.
        model: the original.
        small: the pruned one.
        times: of both.
    """
    before, after = times
    promised = tfprune.cost(model).macs / tfprune.cost(small).macs
    gained = before.seconds / after.seconds
    return {
        "network": network, "runtime": before.runtime, "batch": before.batch_size, "widths": what,
        "before_ms": f"{1e3 * before.seconds:.2f}", "after_ms": f"{1e3 * after.seconds:.2f}",
        "before_quartiles_ms": _milliseconds(before), "after_quartiles_ms": _milliseconds(after),
        "promised": f"{promised:.2f}", "gained": f"{gained:.2f}",
        "share": f"{gained / promised:.2f}", "repeats": before.repeats, "clock": before.clock,
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip


def measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one row per network, runtime and way of pruning.

    Args:
        options: of the command line.
    """
    for network in options.networks:
        model = NETWORKS[network]()
        graph = tfprune.analyse(model)
        same = [] if options.latency else list(variants(graph, options.macs, options.roundings))
        for runtime in options.runtimes:
            batch = options.batch or RUNTIMES[runtime]
            for pruned in [same] if same else _each_aimed(graph, runtime, batch, options):
                smalls = [small for _, small in pruned]
                times = timed(model, smalls, batch, runtime, options)
                for (what, small), own in zip(pruned, times, strict=True):
                    yield row(network, what, model, small, own)


def timed(
    model: keras.Model,
    smalls: Sequence[keras.Model],
    batch: int,
    runtime: str,
    options: argparse.Namespace,
) -> list[tuple[Latency, Latency]]:
    """Return for each pruned model the times of the original and its own.

    Several times all are loaded anew and timed by turns; what counts is the middle share.

    Args:
        model: the original.
        smalls: the pruned ones.
        batch: images per call.
        runtime: where.
        options: of the command line.
    """
    copies = []
    with ExitStack() as opened:
        runners = [opened.enter_context(Runner(one, runtime, 1)) for one in (model, *smalls)]
        for _ in range(options.copies):
            before, *after = of_runners(
                runners, batch, clock="processor", repeats=options.repeats, anew=True
            )
            copies.append([(before, own) for own in after])
    middle = len(copies) // 2
    return [sorted(pairs, key=_share)[middle] for pairs in zip(*copies, strict=True)]


def _share(pair: tuple[Latency, Latency]) -> float:
    before, after = pair
    return after.seconds / before.seconds


def _each_aimed(
    graph: tfprune.ChannelGraph, runtime: str, batch: int, options: argparse.Namespace
) -> Iterator[list[tuple[str, keras.Model]]]:
    for share in options.latency:
        try:
            yield [aimed(graph, share, runtime, batch, options.tables)]
        except tfprune.PruningError as error:
            print(f"{graph.model.name}, {runtime}: {error}", flush=True)


def _milliseconds(latency: Latency) -> str:
    return " to ".join(f"{1e3 * seconds:.2f}" for seconds in latency.quartiles)


def _tell(done: int, of: int) -> None:
    print(f"measured {done} of {of} kinds of layers", flush=True)


def main() -> None:
    """Measure, show and keep the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--runtimes", nargs="+", default=list(RUNTIMES), choices=RUNTIMES)
    parser.add_argument("--roundings", nargs="+", type=int, default=list(ROUNDINGS))
    parser.add_argument("--macs", type=float, default=0.5, help="share of the MACs that is left")
    parser.add_argument(
        "--latency", nargs="+", type=float, help="shares of the time that are left, instead"
    )
    parser.add_argument("--copies", type=int, default=3, help="fresh pairs; the middle one counts")
    parser.add_argument("--batch", type=int, help="images per call; else each runtime's own")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--tables", type=Path, default=Path("runs/latency_tables"))
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for found in measured(options):
        print(" | ".join(map(str, found.values())), flush=True)
        if options.csv:
            rows.append(options.csv, found)


if __name__ == "__main__":
    main()
