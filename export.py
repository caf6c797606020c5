"""Export a saved model in formats for serving, each compared with the model.

Example: python export.py --model runs/main/pruned/resnet20.keras --formats saved_model,tflite
"""

import flags.exporting
import flags.model_file
from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

from absl import logging

import tfprune
from tfprune import files
from tfprune.data import preprocessing


def define_flags() -> None:
    """Define the flags."""
    flags.model_file.define()
    flags.exporting.define()
    flags.exporting.define_target()


def main(argv: list[str]) -> None:
    """Read the flags and export."""
    del argv
    path = flags.model_file.path()
    target = flags.exporting.target(path)
    model = files.load_model(path)
    formats, known = flags.exporting.formats(), preprocessing.load(path.parent)
    if known is None:
        logging.info("Without preprocessing: there is no %s beside the model", preprocessing.FILE)
    else:
        known.require_fit(model)
    written = tfprune.export(model, **target, formats=formats, preprocessing=known)
    for name, place in written.items():
        logging.info("%s: %s", name, place)


if __name__ == "__main__":
    commandline.run(main, define_flags)
