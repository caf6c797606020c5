"""Predict with a saved model: masks laid over photographs, or the likeliest classes.

Example: python predict.py --model runs/voc/trained/deeplab_tiny/deeplab_tiny.keras
--images street.jpg --output predictions
"""

import itertools
from pathlib import Path

import flags.model_file
import flags.predicting
import flags.strategy
from flags import commandline

# The flags come first, since they quieten TensorFlow's start-up.
# isort: split

import keras
import numpy as np
from absl import logging
from PIL import Image

from tfprune import files
from tfprune.data import preprocessing as preprocessings
from tfprune.data.classes import Classes, voc_colours
from tfprune.data.preprocessing import Preprocessing
from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.reporting.figures.overlay import overlay
from tfprune.training import predicting


def define_flags() -> None:
    """Define the flags."""
    flags.model_file.define()
    flags.predicting.define()
    flags.strategy.define()


@flags.strategy.distributed
def main(argv: list[str]) -> None:
    """Read the flags and predict."""
    del argv
    path = flags.model_file.path()
    known = preprocessings.load(path.parent)
    if known is None:
        raise PruningError(
            f"{path.parent} has no {preprocessings.FILE}, which says what the model is fed and "
            "what its classes are called. Name a model that train.py or prune.py wrote."
        )
    model = files.load_model(path)
    known.require_fit(model)
    paths = predicting.photographs(flags.predicting.images())
    if predicting.is_dense(model):
        classes = Classes(known.labels, known.colours or voc_colours(len(known.labels)))
        write_masks(model, known, paths, flags.predicting.folder(), classes)
    else:
        tell_classes(model, known, paths, flags.predicting.top())


def write_masks(
    model: keras.Model,
    known: Preprocessing,
    paths: list[Path],
    folder: Path,
    classes: Classes,
) -> None:
    """Write for each photograph its mask and its overlay into a folder.

    Args:
        model: a model with a class for each pixel.
        known: what it is fed with.
        paths: the photographs.
        folder: where the pictures go; no file in it is replaced.
        classes: names and colours.

    Raises:
        PruningError: a file of that name is there, or two photographs have one name.
    """
    planned = [[folder / f"{path.stem}_{what}.png" for what in ("overlay", "mask")]
               for path in paths]  # fmt: skip
    flat = [path for pair in planned for path in pair]
    workers.from_chief(lambda: _begin(folder, flat))
    pictures, shown = itertools.tee(map(predicting.read, paths))
    found = predicting.masks(model, known, pictures)
    for path, (drawn, bare), picture, labels in zip(paths, planned, shown, found, strict=True):
        if not workers.is_chief():
            continue
        overlay(picture, labels, classes).save(drawn)
        image = Image.fromarray(labels.astype(np.uint8))
        image.putpalette(classes.palette().ravel().tolist())
        image.save(bare)
        logging.info("%s -> %s, %s", path, drawn, bare.name)


def _begin(folder: Path, planned: list[Path]) -> None:
    there = next((str(path) for path in planned if path.exists()), None)
    if there or len(set(planned)) < len(planned):
        what = f"{there} is there already" if there else "two photographs have one name"
        raise PruningError(f"Nothing is written: {what}. Choose another --output.")
    files.make_folder(folder)


def tell_classes(model: keras.Model, known: Preprocessing, paths: list[Path], top: int) -> None:
    """Log for each photograph its likeliest classes with their probabilities.

    Args:
        model: a model with a class for each image.
        known: what it is fed with.
        paths: the photographs.
        top: how many classes.
    """
    for path, found in zip(paths, predicting.top_classes(model, known, paths, top), strict=True):
        logging.info("%s: %s", path, ", ".join(f"{name} {value:.1%}" for name, value in found))


if __name__ == "__main__":
    commandline.run(main, define_flags)
