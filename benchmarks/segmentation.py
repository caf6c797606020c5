"""What three criteria leave of a small DeepLabV3 on CamVid at half the MACs, fine-tuned equally.

python -m benchmarks.segmentation --data_dir=DIR [--seeds 0 1 2] [--table docs/segmentation.csv]
python -m benchmarks.segmentation: the table as Markdown, means over the seeds

For each seed a network is trained, cut by each criterion, its kernels solved anew or not, and
fine-tuned. Figures are of the test split, at the images' own size. Rows that the table holds are
not computed again, and trained networks stay in --work.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

import models
import tfprune
import tfprune.data
from benchmarks import rows as table_rows
from tfprune import files, training
from tfprune.data import DataSet, class_weights

TABLE = Path("docs/segmentation.csv")
KEY = ("seed", "criterion", "reconstructed")
FIGURES = ("macs_left", "params_left", "miou_untrained", "miou", "pixel_accuracy")
CRITERIA = ("fgp", "l1", "random")
SIZE, BATCH, EPOCHS, FURTHER = (96, 128), 4, 16, 4
WIDTHS = 8  # multiples of it: oneDNN's kernels crashed in training a network of other widths
CALIBRATION = 200  # images, without their masks, that kernels are solved from


def recipe(data: DataSet, epochs: int, rate: float, seed: int) -> training.Recipe:
    """Return how networks are trained and fine-tuned, alike for all of them."""
    return training.Recipe(
        epochs=epochs, optimizer="sgd", learning_rate=rate, schedule="poly", warmup_epochs=0.5,
        weight_decay=1e-4, task=data.task, seed=seed,
        class_weight=class_weights.balanced(data, "median_sqrt"),
    )  # fmt: skip


def fitted(model: keras.Model, data: DataSet, epochs: int, rate: float, seed: int) -> keras.Model:
    """Return a model trained on augmented images; the last epoch counts."""
    images = data.train.epochs(BATCH, shuffle=True, augment=data.augment, seed=seed)
    return training.fine_tune(model, images, recipe=recipe(data, epochs, rate, seed))[0]


def baseline(data: DataSet, seed: int, folder: Path) -> keras.Model:
    """Return the network of a seed, trained once."""
    path = folder / f"deeplab_tiny_{seed}.keras"
    if path.is_file():
        return files.load_model(path)
    keras.utils.set_random_seed(seed)
    model = models.build(
        "deeplab_tiny", num_classes=data.num_classes, input_shape=data.input_shape, aux_head=True
    )
    model = training.without_auxiliary(fitted(model, data, EPOCHS, 0.05, seed), data.task)
    folder.mkdir(parents=True, exist_ok=True)
    files.save_model(model, path)
    return model


def figures(model: keras.Model, data: DataSet) -> dict[str, float]:
    """Return the figures on the test split."""
    return training.evaluate(model, data.test.batches(16), task=data.task)


def options(criterion: str, seed: int) -> dict[str, object]:
    """Return what a criterion is given beside the amount."""
    own = {"fgp": {"task": "segmentation"}, "random": {"seed": seed}}
    return own.get(criterion, {})


def rows(data: DataSet, seed: int, folder: Path, known: set) -> Iterator[dict[str, object]]:
    """Yield the rows of a seed that are not known."""
    wanted = [(str(seed), c, str(r)) for c, r in itertools.product(CRITERIA, (0, 1))]
    whole = (str(seed), "none", "0")
    if not {whole, *wanted} - known:
        return
    start = time.perf_counter()
    model = baseline(data, seed, folder)
    graph, full = tfprune.analyse(model), tfprune.cost(model)
    if whole not in known:
        found = figures(model, data)
        yield told(whole, model, full, data, found, found, time.perf_counter() - start)
    images = data.train.batches(16, shuffle=True, seed=seed)
    samples = np.concatenate([x for x, _ in images.take(-(-CALIBRATION // 16))])[:CALIBRATION]
    for criterion in CRITERIA:
        mine = [key for key in wanted if key[1] == criterion and key not in known]
        if not mine:
            continue
        start = time.perf_counter()
        cut, report = tfprune.prune(
            model, images, criterion, macs=0.5, round_to=WIDTHS, **options(criterion, seed)
        )
        choosing = time.perf_counter() - start
        for key in mine:
            start = time.perf_counter()
            small = cut
            if key[2] == "1":
                small, _ = tfprune.reconstruct(graph, report.keep, cut, samples, seed=seed)
            after_cut = figures(small, data)
            small = fitted(small, data, FURTHER, 0.02, seed)
            spent = choosing + time.perf_counter() - start
            yield told(key, small, full, data, after_cut, figures(small, data), spent)


def told(
    key: tuple[str, ...],
    model: keras.Model,
    full: object,
    data: DataSet,
    before: dict[str, float],
    after: dict[str, float],
    seconds: float,
) -> dict[str, object]:
    """Return a row of the table."""
    cost = tfprune.cost(model)
    ious = {f"iou_{name}": f"{after.get(f'iou_{name}', 0.0):.4f}" for name in data.class_names}
    return {
        **dict(zip(KEY, key, strict=True)),
        "macs_left": f"{cost.macs / full.macs:.4f}",
        "params_left": f"{cost.params / full.params:.4f}",
        "miou_untrained": f"{before['miou']:.4f}",
        "miou": f"{after['miou']:.4f}",
        "pixel_accuracy": f"{after['pixel_accuracy']:.4f}",
        **ious,
        "seconds": f"{seconds:.0f}",
    }


def report(table: Path) -> str:
    """Return the means over the seeds as Markdown: a line per criterion, then one per class."""
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table_rows.read(table):
        groups.setdefault((row["criterion"], row["reconstructed"]), []).append(row)
    heads = [f"{c}{', solved anew' if r == '1' else ''}" for c, r in groups]
    lines = [f"| criterion | seeds | {' | '.join(FIGURES)} |", "|---" * (2 + len(FIGURES)) + "|"]
    for head, rows in zip(heads, groups.values(), strict=True):
        cells = [_spread(rows, name) for name in FIGURES]
        lines.append(f"| {head} | {len(rows)} | {' | '.join(cells)} |")
    classes = [name for name in next(iter(groups.values()))[0] if name.startswith("iou_")]
    lines += ["", f"| IoU after fine-tuning, % | {' | '.join(heads)} |"]
    lines.append("|---" * (len(heads) + 1) + "|")
    for name in classes:
        cells = [f"{100 * np.mean([float(r[name]) for r in rows]):.1f}" for rows in groups.values()]
        lines.append(f"| {name.removeprefix('iou_')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(rows: list[dict[str, str]], name: str) -> str:
    """Return the mean in per cent, with the deviation over the seeds where there are several."""
    values = np.array([100 * float(row[name]) for row in rows])
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")


def main() -> None:
    """Compute the rows that are missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data_dir", help="CamVid in PASCAL VOC's folders; without: the report")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--work", type=Path, default=Path("runs/benchmarks/segmentation"))
    arguments = parser.parse_args()
    if arguments.data_dir is None:
        print(report(arguments.table))
        return
    data = tfprune.data.load("voc", data_dir=arguments.data_dir, classes="camvid", image_size=SIZE)
    for seed in arguments.seeds:
        for row in rows(data, seed, arguments.work, table_rows.known(arguments.table, KEY)):
            table_rows.append(arguments.table, row)
            print(*(f"{name}={row[name]}" for name in (*KEY, "miou", "seconds")), flush=True)


if __name__ == "__main__":
    main()
