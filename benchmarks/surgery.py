"""Time the surgery beside Keras' own clone_model and beside Torch-Pruning, in one run.

Example: python -m benchmarks.surgery --peer_python=/tmp/peer/bin/python --csv=docs/surgery.csv

The peer is optional: an environment of its own with `pip install torch torch-pruning==1.6.1`.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence

os.environ["OMP_NUM_THREADS"] = "1"  # numpy's; TensorFlow's and PyTorch's are set where they are

from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

from absl import flags, logging

from benchmarks import keras_tasks, results
from benchmarks.measuring import interleaved
from benchmarks.peer import TWINS, Peer, PeerError
from tfprune import files

MODELS = ("ResNet50", "MobileNetV2", "DenseNet121", "EfficientNetV2L", "NASNetLarge")
FLAGS = flags.FLAGS


def define_flags() -> None:
    """Define the flags."""
    flags.DEFINE_list("models", list(MODELS), "Networks of keras.applications.")
    flags.DEFINE_integer("rounds", 11, "How often each task is measured.", lower_bound=1)
    flags.DEFINE_integer("warm_up", 2, "Rounds before the first that counts.", lower_bound=0)
    flags.DEFINE_string("peer_python", None, "Interpreter that has torch and torch-pruning.")
    flags.DEFINE_boolean("memory", True, "Measure the peak memory too, each in a fresh process.")
    flags.DEFINE_string("csv", None, "File for the table as CSV.")
    flags.DEFINE_string("memory_of", None, "Only print the memory shares of this network.")


def main(argv: Sequence[str]) -> None:
    """Measure every network and report one table."""
    del argv
    keras_tasks.use_one_thread()
    if FLAGS.memory_of:
        shares = keras_tasks.memory_shares(FLAGS.memory_of)
        sys.stdout.write(json.dumps(shares) + "\n")  # the last line, which _memory reads
        return
    peer = _peer()
    measured = []
    for name in FLAGS.models:
        measured.append(measure(name, peer))
        if FLAGS.csv:
            files.write_text(FLAGS.csv, results.comma_separated(measured))
    logging.info("%s\n%s", machine(), results.times(measured))
    logging.info("peer: %s\n%s", peer.versions if peer else "skipped", results.summary(measured))


def _peer() -> Peer | None:
    try:
        return Peer(FLAGS.peer_python) if FLAGS.peer_python else _skipped("no --peer_python")
    except PeerError as error:
        return _skipped(str(error))


def _skipped(why: str) -> None:
    logging.warning("The peer is skipped: %s.", why)


def measure(name: str, peer: Peer | None) -> results.Result:
    """Measure one network.

    Args:
        name: a network of keras.applications.
        peer: Torch-Pruning's process, if there is one.
    """
    model = keras_tasks.build(name)
    count = len(model.operations)
    logging.info("%s: %d operations", name, count)
    tasks = keras_tasks.parts(model)
    if peer and name in TWINS:
        tasks |= {f"peer {task}": peer.task(name, task) for task in ("graph", "prune")}
    times = interleaved(tasks, FLAGS.rounds, FLAGS.warm_up)
    return results.Result(name, count, times, _memory(name) if FLAGS.memory else None)


def _memory(name: str) -> tuple[float, float] | None:
    command = [sys.executable, "-m", "benchmarks.surgery", f"--memory_of={name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    shares = json.loads(done.stdout.splitlines()[-1])
    return shares and tuple(shares)


def machine() -> str:
    """Return what the figures were measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, one thread each, load {load}"


if __name__ == "__main__":
    commandline.run(main, define_flags)
