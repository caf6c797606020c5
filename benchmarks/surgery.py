"""Time the surgery beside Keras' own clone_model and beside Torch-Pruning, in one run.

Example: python -m benchmarks.surgery --peer_python=/tmp/peer/bin/python --csv=docs/surgery.csv

The peer is optional: an environment of its own with `pip install torch torch-pruning==1.6.1`.
"""

import csv
import io
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence

os.environ["OMP_NUM_THREADS"] = "1"  # numpy's; TensorFlow's and PyTorch's are set where they are

from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

from absl import flags, logging

from benchmarks import keras_tasks
from benchmarks.measuring import Timing, interleaved
from benchmarks.peer import TWINS, Peer, PeerError
from tfprune import files

MODELS = ("ResNet50", "MobileNetV2", "DenseNet121", "EfficientNetV2L", "NASNetLarge")
COLUMNS = ("model", "operations", "task", "median_ms", "min_ms", "per_operation_ms", "rounds")
FLAGS = flags.FLAGS


def define_flags() -> None:
    """Define the flags."""
    flags.DEFINE_list("models", list(MODELS), "Networks of keras.applications.")
    flags.DEFINE_integer("rounds", 11, "How often each task is measured.", lower_bound=1)
    flags.DEFINE_integer("warm_up", 2, "Rounds before the first that counts.", lower_bound=0)
    flags.DEFINE_string("peer_python", None, "Interpreter that has torch and torch-pruning.")
    flags.DEFINE_boolean("memory", True, "Measure the peak memory too, each in a fresh process.")
    flags.DEFINE_string("csv", None, "File for the table as CSV.")
    flags.DEFINE_string("memory_of", None, "Only print the memory share of this network.")


def main(argv: Sequence[str]) -> None:
    """Measure every network and report one table."""
    del argv
    keras_tasks.use_one_thread()
    if FLAGS.memory_of:
        sys.stdout.write(f"{keras_tasks.memory_share(FLAGS.memory_of)}\n")  # our parent reads it
        return
    peer = _peer()
    rows = [row for name in FLAGS.models for row in measure(name, peer)]
    table = text(rows)
    logging.info("%s; %s\n%s", machine(), peer.versions if peer else "no peer", table)
    if FLAGS.csv:
        files.write_text(FLAGS.csv, comma_separated(rows))
        logging.info("written to %s", FLAGS.csv)


def _peer() -> Peer | None:
    try:
        return Peer(FLAGS.peer_python) if FLAGS.peer_python else _skipped("no --peer_python")
    except PeerError as error:
        return _skipped(str(error))


def _skipped(why: str) -> None:
    logging.warning("The peer is skipped: %s.", why)


def measure(name: str, peer: Peer | None) -> Iterator[tuple]:
    """Yield the rows of one network, as in `COLUMNS`.

    Args:
        name: a network of keras.applications.
        peer: Torch-Pruning's process, if there is one.
    """
    model = keras_tasks.build(name)
    count = keras_tasks.operations(model)
    tasks = keras_tasks.parts(model)
    if peer and name in TWINS:
        tasks |= {f"peer {task}": peer.task(name, task) for task in ("graph", "prune")}
    logging.info("%s: %d operations", name, count)
    times = interleaved(tasks, FLAGS.rounds, FLAGS.warm_up)
    for task, timing in times.items():
        yield _row(name, count, task, timing)
    if FLAGS.memory:
        yield name, count, "peak memory / two models", _memory(name), "", "", 1


def _row(name: str, count: int, task: str, timing: Timing) -> tuple:
    milliseconds = 1000 * timing.median
    return (name, count, task, f"{milliseconds:.1f}", f"{1000 * timing.least:.1f}",
            f"{milliseconds / count:.3f}", len(timing.seconds))  # fmt: skip


def _memory(name: str) -> str:
    command = [sys.executable, "-m", "benchmarks.surgery", f"--memory_of={name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    share = done.stdout.split()[-1]
    return "" if share == "None" else f"{float(share):.2f}"


def text(rows: Sequence[tuple]) -> str:
    """Return the rows as a table, the columns aligned."""
    cells = [[str(cell) for cell in row] for row in (COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def comma_separated(rows: Sequence[tuple]) -> str:
    """Return the rows as CSV with a head line."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows((COLUMNS, *rows))
    return out.getvalue()


def machine() -> str:
    """Return what the figures were measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, one thread each, load {load}"


if __name__ == "__main__":
    commandline.run(main, define_flags)
