"""What a saved model says about photographs: a class for each pixel, or the likeliest classes."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfprune import tasks
from tfprune.data.class_folders import SUFFIXES
from tfprune.data.preprocessing import Preprocessing
from tfprune.data.scaling import fitted
from tfprune.errors import PruningError
from tfprune.graph.heads import gives_probabilities


def photographs(given: Sequence[str | Path]) -> list[Path]:
    """Return the photographs of files and folders, in order.

    Args:
        given: files, or folders, of which the files directly in them that end in .jpg, .jpeg or
            .png count.

    Raises:
        PruningError: a path that is missing, or no photograph at all.
    """
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        elif path.is_file():
            found.append(path)
        else:
            raise PruningError(f"There is no file or folder {path}: expected photographs.")
    if not found:
        raise PruningError(
            f"No photograph in {', '.join(map(str, given))}: expected files that end in "
            f"{', '.join(SUFFIXES)}."
        )
    return found


def read(path: Path) -> np.ndarray:
    """Return a photograph as uint8 [H, W, 3], turned as its camera says.

    Raises:
        PruningError: it cannot be read to its end.
    """
    try:
        with Image.open(path) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PruningError(f"{path} cannot be read as a photograph: {error}.") from error


def is_dense(model: keras.Model) -> bool:
    """Return whether a model has a class for each pixel, outputs [N, H, W, classes]."""
    return tasks.of_model(model).per_pixel


def mask(model: keras.Model, preprocessing: Preprocessing, picture: np.ndarray) -> np.ndarray:
    """Return the class of each pixel of a photograph, at its own size.

    The photograph is scaled into the model's size as in training and evaluation, its sides in
    proportion, and padded behind; the scores are scaled back between pixel centres.

    Args:
        model: outputs [N, H, W, classes], as large as its inputs.
        preprocessing: what the model is fed with.
        picture: uint8 [H, W, 3].

    Returns:
        Class numbers, int64 [H, W].
    """
    (height, width), size = picture.shape[:2], preprocessing.input_shape[:2]
    by = min(size[0] / height, size[1] / width)
    kept = [max(1, round(side * by)) for side in (height, width)]
    pixels = fitted(picture, size, (by, by)) * (preprocessing.maximum / 255)
    scores = model(preprocessing.normalise(pixels[None]), training=False)[0]
    scores = scores[: kept[0], : kept[1]]
    return tf.argmax(tf.image.resize(scores, (height, width)), -1).numpy()


def top_classes(
    model: keras.Model, preprocessing: Preprocessing, path: Path, count: int = 5
) -> list[tuple[str, float]]:
    """Return the likeliest classes of a photograph and their probabilities, the likeliest first.

    Args:
        model: outputs [N, classes], probabilities or logits.
        preprocessing: what the model is fed with; the picture is cut as for evaluation.
        path: the photograph's file.
        count: how many classes.

    Raises:
        PruningError: the file cannot be read.
    """
    read(path)  # its error names the file
    pixels = preprocessing.decode(tf.constant(path.read_bytes()))
    scores = model(preprocessing.normalise(pixels[None]), training=False)[0]
    if not gives_probabilities(model):
        scores = tf.nn.softmax(scores)
    found = tf.math.top_k(scores, min(count, scores.shape[0]))
    numbers, values = found.indices.numpy().tolist(), found.values.numpy().tolist()
    return [(preprocessing.labels[n], value) for n, value in zip(numbers, values, strict=True)]
