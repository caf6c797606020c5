"""Write a network with weights that PyTorch trained, as a baseline that prune.py starts from.

Example: python prepare_weights.py --arch resnet50 --checkpoint resnet50-19c8e357.pth \
    --layout torchvision_resnet
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flags.architecture
import flags.dataset
import flags.runs
import flags.strategy
import flags.weights
from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
from absl import logging

import models
import tfprune.data
from tfprune import files, reporting, runs, training, weights
from tfprune.errors import PruningError


def define_flags() -> None:
    """Define the flags."""
    flags.architecture.define()
    flags.weights.define()
    flags.dataset.define()
    flags.dataset.define_batch_size()
    flags.runs.define(save_dir="runs/weights/{arch}", fields="arch")
    flags.strategy.define_gpu()


def main(argv: list[str]) -> None:
    """Read the flags, load the weights and write the model."""
    del argv
    idle = flags.weights.idle() or flags.dataset.idle()
    commandline.refuse_idle(idle)
    flags.strategy.refuse_workers("prepare_weights.py")
    flags.strategy.use_gpu()
    arch, path, loading = (
        flags.architecture.name(),
        flags.weights.checkpoint(),
        flags.weights.loading(),
    )
    folder = Path(flags.runs.expand("save_dir", arch=arch))
    model = build(arch, flags.runs.seed(), flags.weights.network())
    data = tfprune.data.load(**flags.dataset.values()) if flags.weights.evaluates() else None
    if data is not None:
        tfprune.data.Preprocessing.of(data).require_fit(model)
    model, report = weights.load(model, path, **loading)
    # Claimed only now: a checkpoint that does not match leaves no folder behind.
    if runs.claim(folder, commandline.record(idle), **flags.runs.conflicts()) == "finished":
        logging.info("Reused, finished before: %s\n%s", folder, runs.report_text(folder))
        return
    feeding = runs.Feeding(flags.dataset.batch_size(), **flags.dataset.preparation())
    text = write(model, report, folder, checkpoint=path, data=data, feeding=feeding)
    logging.info("%s", text)


def build(arch: str, seed: int, options: Mapping[str, Any]) -> keras.Model:
    """Return a network with fresh weights, which those that are not loaded keep.

    Args:
        arch: a name of `models.names()`.
        seed: of the weights.
        options: options of `models.build`.

    Raises:
        PruningError: the network has no such option, or does not fit such images.
    """
    keras.utils.set_random_seed(seed)
    try:
        return models.build(arch, **options)
    except ValueError as error:
        raise PruningError(f"{arch} cannot be built with {dict(options)}: {error}") from error


def write(
    model: keras.Model,
    report: weights.WeightsReport,
    folder: Path,
    *,
    checkpoint: Path,
    data: tfprune.data.DataSet | None,
    feeding: runs.Feeding,
) -> str:
    """Write a model with its report into a folder.

    Args:
        model: the model with its weights; its name becomes the file's.
        report: what became of every tensor; report.txt has it whole.
        folder: where everything goes.
        checkpoint: where the weights come from.
        data: the data set to measure the model on; None: none.
        feeding: how images become batches.

    Returns:
        A short form of the report.
    """
    path = folder / f"{model.name}.keras"
    files.save_model(model, path)
    fed = {} if data is None else feeding.record(data)
    if data is not None:
        feeding.preprocessing(data).save(folder)
    results = (
        None if data is None else training.evaluate(model, feeding.plain(data.test), task=data.task)
    )
    measured = reporting.measure(model, results=results, path=path, batch_sizes=())
    title = f"{model.name} with the weights of {checkpoint}"
    short = {f"on the test split of {data.name}" if data else "model": measured}
    values = {
        "arch": model.name,
        "checkpoint": str(checkpoint),
        **fed,
        "weights": report.to_json(),
        **measured.to_json(),
    }
    reporting.finish(folder, title, {**short, "weights": report, "written to": path}, values)
    return "\n".join([title, str(measured), report.summary(), f"written to {folder}"])


if __name__ == "__main__":
    commandline.run(main, define_flags)
