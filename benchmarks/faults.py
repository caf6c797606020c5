"""Kill the scripts at their file operations, call them again, and count what differs or is left.

    python -m benchmarks.faults                       # every operation of every job (an hour or so)
    python -m benchmarks.faults --kills 5 --seed 1    # five of each job, drawn by the seed
    python -m benchmarks.faults --jobs soft,export
    python -m benchmarks.faults --limits 300,2000,10000,20000    # files may not be larger, in bytes

Each attempt is a process of its own that sends itself SIGKILL just before an `os.rename`,
`os.replace` or `open` for writing. Then the same command runs undisturbed, and its folder is
compared with one that was never disturbed: the same files, and the same weights to the bit (one
thread). A row of the table is a job: `refused` counts second calls that failed, `differ` other
weights, `left` files too many or too few. All three should be 0. With `--limits` the first call
meets a full disk instead: it must end with a line that says so; `traceback` counts where not.
"""

import argparse
import builtins
import importlib
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from flags import commandline

_PRUNE = (
    "--data=digits --method=l2 --ratio=0.5 --epochs=1 --batch_size=512 --optimizer=sgd "
    "--decay_step=1 --recalibrate=1 --formats=keras --model={model} --save_dir={out}"
)
JOBS = {
    "one_shot": ("prune", _PRUNE),
    "layer_by_layer": ("prune", f"{_PRUNE} --prune_schedule=layer_by_layer"),
    "iterative": ("prune", f"{_PRUNE} --prune_schedule=iterative --steps=2"),
    "soft": ("prune", f"{_PRUNE} --prune_schedule=soft"),
    "export": ("export", "--model={model} --formats=keras,saved_model --export_dir={out}"),
}


def small_model(path: Path) -> None:
    """Write a network for the digits that trains in a second."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="stem")(image)
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.ReLU(name="relu")(x))
    keras.Model(image, keras.layers.Dense(10, name="head")(x), name="small").save(path)


def counted(kill_at: int | None) -> Callable[[], int]:
    """Count file operations from now on, and die just before one of them.

    Args:
        kill_at: the number of the operation, from 1; None: none.

    Returns:
        A function that tells the count so far.
    """
    count = 0

    def watched(operation: Callable, is_one: Callable[..., bool]) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if is_one(*args, **kwargs):
                count += 1
                if count == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return call

    def writes(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> bool:
        return isinstance(mode, str) and any(letter in mode for letter in "wax+")

    os.rename = watched(os.rename, lambda *args, **kwargs: True)
    os.replace = watched(os.replace, lambda *args, **kwargs: True)
    builtins.open = io.open = watched(open, writes)
    return lambda: count


def attempt(script: str, arguments: Sequence[str], kill_at: int | None, log: Path) -> int:
    """Run a script in a process of its own.

    Args:
        script: its name.
        arguments: its command line.
        kill_at: as for `counted`.
        log: where its output goes.

    Returns:
        How many file operations it made; -1 when it was killed, -2 when it failed.
    """
    told = log.with_name("operations.txt")
    told.write_text("")
    command = [sys.executable, "-m", "benchmarks.faults", "--child", str(kill_at or 0), str(told)]
    with log.open("a") as stream:
        status = subprocess.run(  # noqa: S603 - this very program
            [*command, script, *arguments], stdout=stream, stderr=stream, check=False
        ).returncode
    if status == -signal.SIGKILL:
        return -1
    return int(told.read_text()) if status == 0 else -2


def child(kill_at: int, told: str, name: str, *arguments: str) -> None:
    """Run a script in this process and write down how many file operations it made.

    Args:
        kill_at: the number of the operation to die at; 0: none.
        told: the file for the count.
        name: the script's name.
        *arguments: its command line.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    script = importlib.import_module(name)
    count = counted(kill_at or None)
    script.define_flags()
    script.main(commandline.parse([name, *arguments]))
    Path(told).write_text(str(count()))


def limited(script: str, arguments: Sequence[str], limit: int) -> str:
    """Run a script whose files may not grow beyond a size, as on a disk that is full.

    Args:
        script: its name.
        arguments: its command line.
        limit: in bytes.

    Returns:
        "ended", "refused" where it said why it could not go on, or "traceback".
    """
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, f"{script}.py", *arguments], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    )  # fmt: skip
    if done.returncode == 0:
        return "ended"
    told = done.stderr.strip().splitlines()[-1]
    clear = "Traceback" not in done.stderr and "limits the size of files" in told
    if not clear:
        print(f"{script}, {limit} bytes: {done.stderr[-1500:]}", file=sys.stderr)
    return "refused" if clear else "traceback"


def contents(folder: Path) -> tuple[set[str], dict[str, list[np.ndarray]]]:
    """Return the names of a folder's files, without those that hold the time, and its weights."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {str(path.relative_to(folder)) for path in paths if "tensorboard" not in path.parts}
    models = {
        str(path.relative_to(folder)): keras.models.load_model(path, compile=False).get_weights()
        for path in paths
        if path.suffix == ".keras"
    }
    return names, models


def equal(one: dict[str, list[np.ndarray]], other: dict[str, list[np.ndarray]]) -> bool:
    """Return whether two folders hold the same models to the bit."""
    return one.keys() == other.keys() and all(
        len(a) == len(other[name]) and all(map(np.array_equal, a, other[name]))
        for name, a in one.items()
    )


def verdict(whole: Path, disturbed: Path) -> list[str]:
    """Return what is wrong with a folder beside one that was never disturbed."""
    (names, models), (found, again) = contents(whole), contents(disturbed)
    wrong = [] if equal(models, again) else ["differ"]
    return wrong + ([f"left {sorted(names ^ found)}"] if names != found else [])


def run(
    job: str, places: Callable[[int], Sequence[int]], folder: Path, *, limits: bool = False
) -> dict[str, int]:
    """Kill one job at some of its operations.

    Args:
        job: a name of `JOBS`.
        places: from the number of operations to those to kill at, from 1.
        folder: where to work.
        limits: whether these places are sizes that no file may exceed.

    Returns:
        The counts of the table's row.
    """
    script, line = JOBS[job]
    log = folder / "log.txt"

    def call(out: Path, kill_at: int | None) -> int:
        text = line.format(model=folder / "small.keras", out=out)
        return attempt(script, text.split(), kill_at, log)

    small_model(folder / "small.keras")
    operations = call(folder / "whole", None)
    if operations < 0:
        raise SystemExit(f"{job} fails undisturbed:\n{log.read_text()[-2000:]}")
    row = {"operations": operations, "kills": 0, "refused": 0, "differ": 0, "left": 0}
    row |= {"traceback": 0}
    for place in places(operations):
        out = folder / f"kill_{place}"
        if limits:
            text = line.format(model=folder / "small.keras", out=out)
            how = limited(script, text.split(), place)
            row["kills"] += how == "refused"
            row["traceback"] += how == "traceback"
        else:
            row["kills"] += call(out, place) == -1
        if call(out, None) < 0:
            row["refused"] += 1
            told = log.read_text().splitlines()[-1:]
        else:
            told = verdict(folder / "whole", out)
            row["differ"] += "differ" in told
            row["left"] += any(text.startswith("left") for text in told)
        if told:
            print(f"{job}, operation {place}: {' '.join(told)}", file=sys.stderr)
        shutil.rmtree(out, ignore_errors=True)
    return row


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), *sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", default=",".join(JOBS), help="names, divided by commas")
    parser.add_argument("--kills", type=int, help="per job; without it at every operation")
    parser.add_argument("--limits", default="", help="sizes in bytes, divided by commas")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of operations")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    limits = [int(text) for text in given.limits.split(",")] if given.limits else []

    def places(operations: int) -> Sequence[int]:
        if limits:
            return limits
        every = range(1, operations + 1)
        if given.kills is None or given.kills >= operations:
            return every
        return sorted(draw.sample(every, given.kills))

    print(
        f"{'job':<16}{'operations':>12}{'kills':>8}{'refused':>9}{'differ':>8}{'left':>6}{'traceback':>11}"
    )
    total = 0
    for job in given.jobs.split(","):
        with tempfile.TemporaryDirectory() as folder:
            row = run(job, places, Path(folder), limits=bool(limits))
        print(f"{job:<16}{row['operations']:>12}{row['kills']:>8}{row['refused']:>9}"
              f"{row['differ']:>8}{row['left']:>6}{row['traceback']:>11}", flush=True)  # fmt: skip
        total += row["refused"] + row["differ"] + row["left"] + row["traceback"]
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
