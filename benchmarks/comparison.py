"""Every method at half the MACs from one baseline, with the same fine-tuning.

python -m benchmarks.comparison --data_dir=DIR trains ResNet-20 on CIFAR-10 once, prunes it by
every method with prune.py, and prints docs/results.csv. What is finished is not done again.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BASELINE = (
    "--arch=resnet20 --epochs=30 --batch_size=128 --optimizer=sgd --nesterov --learning_rate=0.1 "
    "--weight_decay=5e-4 --nodecay_all --schedule=cosine --warmup=1 --precision=mixed_bfloat16 "
    "--norestore_best --seed=0"
)
FINE_TUNING = (
    "--arch=resnet20 --batch_size=128 --optimizer=sgd --nesterov --learning_rate=0.05 "
    "--weight_decay=5e-4 --nodecay_all --schedule=cosine --precision=mixed_bfloat16 "
    "--norestore_best --seed=0 --recalibrate=20 --formats="
)
EPOCHS = "--epochs=5"
# Soft pruning trains while it prunes, so its epochs in all are those of the others. GFBS scores on
# one batch of the training's size.
RUNS = {
    "fgp": "--method=fgp",
    "gfbs": "--method=gfbs --samples=128",
    "gfbs, layer by itself": "--method=gfbs --samples=128 --scope=layer",
    "similarity": "--method=similarity",
    "similarity, mean": "--method=similarity --coupled=mean",
    "fmc": "--method=fmc",
    "gfi": "--method=gfi",
    "l1": "--method=l1",
    "l2": "--method=l2",
    "group_l2": "--method=group_l2",
    "obs": "--method=obs",
    "bn_scale": "--method=bn_scale",
    "taylor": "--method=taylor",
    "fpgm": "--method=fpgm",
    "hrank": "--method=hrank",
    "sfp": "--method=sfp --stage_epochs=3 --epochs=2",
    "sfp, all epochs soft": "--method=sfp --stage_epochs=5 --epochs=0",
    "sfp, not clipped": "--method=sfp --stage_epochs=5 --epochs=0 --stage_clip_norm=0",
    "random, seed 0": "--method=random --option=seed=0",
    "random, seed 1": "--method=random --option=seed=1",
    "random, seed 2": "--method=random --option=seed=2",
}
HEAD = ("method", "after the cut", "after recalibration", "after fine-tuning", "parameters",
        "MACs", "scoring, s")  # fmt: skip


def command(script: str, folder: Path, *flags: str) -> list[str]:
    """Return the command line of a script that writes into a folder."""
    words = [word for part in flags for word in part.split()]
    return [sys.executable, script, *words, f"--save_dir={folder}"]


def pruning(name: str, root: Path, data: Sequence[str]) -> list[str]:
    """Return the command line of one method's run.

    Args:
        name: a key of `RUNS`.
        root: folder of all runs.
        data: flags of the data set.
    """
    epochs = "" if "--epochs" in RUNS[name] else EPOCHS
    folder, before = root / name.replace(", ", "_").replace(" ", ""), root / "baseline"
    flags = (FINE_TUNING, epochs, RUNS[name], "--macs=0.5", f"--pretrain_dir={before}", *data)
    return command("prune.py", folder, *flags)


def row(name: str, report: dict) -> tuple[str, ...]:
    """Return a method's figures from the report of its run.

    Example:
        >>> found = {"results": {"accuracy": 0.91}, "parameters": 100, "macs": 5000}
        >>> row("l1", {"before_fine_tuning": {"accuracy": 0.3}, "after_recalibration":
        ...     {"accuracy": 0.5}, "after": found, "seconds": {"score": 0.014}})
        ('l1', '30.00', '50.00', '91.00', '100', '5000', '0.01')
    """
    stages = ("before_fine_tuning", "after_recalibration")
    accuracies = [*(report[stage] for stage in stages), report["after"]["results"]]
    return (
        name,
        *(f"{100 * found['accuracy']:.2f}" for found in accuracies),
        str(report["after"]["parameters"]),
        str(report["after"]["macs"]),
        f"{report['seconds']['score']:.2f}" if report["seconds"] else "",
    )


def whole(report: dict) -> tuple[str, ...]:
    """Return the baseline's figures from any pruning's report."""
    before = report["before"]
    accuracy = f"{100 * before['results']['accuracy']:.2f}"
    return ("none", "", "", accuracy, str(before["parameters"]), str(before["macs"]), "")


def text(rows: Iterable[Sequence[str]]) -> str:
    """Return the figures as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([HEAD, *rows])
    return buffer.getvalue()


def run(line: Sequence[str], log: Path, threads: int) -> None:
    """Run a script with its output in a file; a failure ends the comparison."""
    # A small network's steps do not fill two threads: several runs at once do.
    limits = {"TF_NUM_INTRAOP_THREADS": str(threads), "TF_NUM_INTEROP_THREADS": str(threads)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        subprocess.run(  # noqa: S603 - our own scripts
            line, check=True, stdout=out, stderr=out, env=os.environ | limits
        )


def main(arguments: Sequence[str]) -> None:
    """Train, prune by every method, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("runs/comparison"))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--only", nargs="+", default=list(RUNS), choices=list(RUNS))
    options, data = parser.parse_known_args(arguments)
    cores = os.cpu_count() or 1
    run(command("train.py", options.root / "baseline", BASELINE, *data),
        options.root / "baseline.log", cores)  # fmt: skip
    lines = {name: pruning(name, options.root, data) for name in options.only}
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [
            pool.submit(run, line, options.root / f"{name}.log", max(1, cores // options.jobs))
            for name, line in lines.items()
        ]
        for job in jobs:
            job.result()
    folders = {name: Path(line[-1].removeprefix("--save_dir=")) for name, line in lines.items()}
    reports = {
        name: json.loads((folder / "report.json").read_text()) for name, folder in folders.items()
    }
    rows = [row(name, report) for name, report in reports.items()]
    print(text([whole(next(iter(reports.values()))), *rows]), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
