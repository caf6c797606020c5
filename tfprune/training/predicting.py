"""What a saved model says about photographs: a class for each pixel, or the likeliest classes."""

from collections.abc import Iterable, Iterator, Sequence
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
from tfprune.passes.divided import Divided, Found, unsized
from tfprune.passes.micro_batches import Part


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


def masks(
    model: keras.Model, preprocessing: Preprocessing, pictures: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield the class of each pixel of photographs, each at its own size.

    A photograph is scaled into the model's size as in training and evaluation, its sides in
    proportion, and padded behind; the scores are scaled back between pixel centres. The replicas
    of the current strategy take photographs in turn; every worker reads all of them.

    Args:
        model: outputs [N, H, W, classes], as large as its inputs.
        preprocessing: what the model is fed with.
        pictures: uint8 [H, W, 3] each.

    Yields:
        Class numbers, int64 [H, W].
    """
    size = preprocessing.input_shape[:2]

    def part(picture: np.ndarray) -> Part:
        by = _factor(picture.shape, size)
        pixels = fitted(picture, size, (by, by)) * (preprocessing.maximum / 255)
        return preprocessing.normalise(pixels[None]), np.array([picture.shape[:2]])

    for (_, [shape]), _, scores in _scores(model, map(part, pictures)):
        height, width = (max(1, round(side * _factor(shape, size))) for side in shape)
        yield tf.argmax(tf.image.resize(scores[0, :height, :width], shape), -1).numpy()


def top_classes(
    model: keras.Model, preprocessing: Preprocessing, paths: Iterable[Path], count: int = 5
) -> Iterator[list[tuple[str, float]]]:
    """Yield the likeliest classes of photographs and their probabilities, the likeliest first.

    Args:
        model: outputs [N, classes], probabilities or logits.
        preprocessing: what the model is fed with; pictures are cut as for evaluation.
        paths: the photographs' files; the replicas take them in turn.
        count: how many classes.

    Raises:
        PruningError: a file cannot be read.
    """

    def part(path: Path) -> Part:
        read(path)  # its error names the file
        pixels = preprocessing.decode(tf.constant(path.read_bytes()))
        return (preprocessing.normalise(pixels[None]),)

    logits = not gives_probabilities(model)
    for _, _, [scores] in _scores(model, map(part, paths)):
        likely = tf.nn.softmax(scores) if logits else scores
        found = tf.math.top_k(likely, min(count, len(scores)))
        numbers, values = found.indices.numpy().tolist(), found.values.numpy().tolist()
        yield [(preprocessing.labels[n], value) for n, value in zip(numbers, values, strict=True)]


def _scores(model: keras.Model, parts: Iterable[Part]) -> Iterator[Found]:
    step = Divided(lambda pixels, *_: model(pixels, training=False))
    return step.over(parts, unsized)


def _factor(shape: Sequence[int], size: Sequence[int]) -> float:
    """Return what a photograph's sides are multiplied by to lie within a size."""
    return min(size[0] / shape[0], size[1] / shape[1])
