"""Export a saved model in formats for serving, each compared with the model.

Example: python export.py --model runs/main/pruned/resnet20.keras --formats saved_model,tflite
"""

from pathlib import Path
from typing import Any

import flags.dataset
import flags.exporting
import flags.model_file
import flags.strategy
from flags import commandline
from flags.progress import Progress

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
from absl import logging

import tfprune.data
from tfprune import files, runs
from tfprune.data import preprocessing


def define_flags() -> None:
    """Define the flags."""
    flags.model_file.define()
    flags.exporting.define()
    flags.exporting.define_target()
    flags.dataset.define()


def main(argv: list[str]) -> None:
    """Read the flags and export."""
    del argv
    flags.strategy.refuse_workers("export.py")
    commandline.refuse_idle(flags.exporting.idle())
    path, names = flags.model_file.path(), flags.exporting.formats()
    if flags.exporting.needs_data():
        commandline.refuse_idle(flags.dataset.idle())
    else:
        reason = "no format of --formats is judged by images."
        commandline.refuse_idle(dict.fromkeys(flags.dataset.NAMES, reason))
    target = flags.exporting.target(path)
    model = files.load_model(path)
    images = judged_by(path, model) if flags.exporting.needs_data() else {}
    known = preprocessing.load(path.parent)
    if known is None:
        logging.info("Without preprocessing: there is no %s beside the model", preprocessing.FILE)
    else:
        known.require_fit(model)
    with Progress("Exporting"):
        written = tfprune.export(
            model, **target, formats=names, name=flags.exporting.name(path), preprocessing=known,
            metadata=runs.report_values(path.parent).get("metadata"),
            **flags.exporting.bounds(), **images,
        )  # fmt: skip
    for name, place in written.items():
        logging.info("%s: %s", name, place)
    logging.info("Compared with the model\n%s", written)


def judged_by(path: Path, model: keras.Model) -> dict[str, Any]:
    """Return the images that a format is measured on and judged by, as `tfprune.export` takes them.

    Args:
        path: the model's file.
        model: the model.
    """
    data = tfprune.data.load(**flags.dataset.values())
    feeding = runs.Feeding(**flags.dataset.preparation())
    runs.require_same(path.parent, feeding.record(data))
    feeding.preprocessing(data).require_fit(model)
    return runs.judged_by(data, feeding, flags.exporting.images())


if __name__ == "__main__":
    commandline.run(main, define_flags)
