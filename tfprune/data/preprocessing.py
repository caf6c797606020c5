"""What a model is fed with and what its classes are called, as a file beside the model."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.data import photographs
from tfprune.data.dataset import DataSet
from tfprune.data.normalisation import find
from tfprune.data.statistics import Statistics, imagenet_statistics
from tfprune.errors import PruningError
from tfprune.files import read_json, usable, write_json

FILE = "preprocessing.json"
_REMEDY = "Write it anew with the script that made the model."


@dataclass(frozen=True)
class Preprocessing:
    """From raw images to what the model takes, and from its outputs to words.

    Args:
        data: name of the data set.
        normalisation: "none", "scale", "channel", "imagenet" or "pixel".
        input_shape: (H, W, C) of an image.
        maximum: the largest value of a raw pixel, e.g. 255.
        mean: of each channel [C], in 0..1.
        deviation: of each channel [C], in 0..1.
        labels: names of the classes, in the order of the outputs.
        mean_image: [H, W, C] in 0..1, of "pixel" only.
        colours: of the classes in a picture of a mask, (red, green, blue) each in 0..255; None:
            the model has a class per image.

    Example:
        >>> import tfprune.data
        >>> digits = Preprocessing.of(tfprune.data.load("digits"))
        >>> digits.labels[3], digits.input_shape
        ('3', (8, 8, 1))
    """

    data: str
    normalisation: str
    input_shape: tuple[int, ...]
    maximum: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    labels: tuple[str, ...]
    mean_image: Any = None
    colours: tuple[tuple[int, int, int], ...] | None = None

    @classmethod
    def of(cls, data: DataSet, normalisation: str | None = None) -> "Preprocessing":
        """Return what a data set's images go through.

        Args:
            data: the data set.
            normalisation: a name; None: the data set's own.
        """
        name = data.train.normalisation if normalisation is None else normalisation
        known = data.train.statistics
        if name == "imagenet":
            known = imagenet_statistics(known.maximum)
        image = known.pixel_mean.tolist() if name == "pixel" else None
        return cls(
            data.name,
            name,
            tuple(data.input_shape),
            known.maximum,
            tuple(known.mean.tolist()),
            tuple(known.std.tolist()),
            tuple(data.class_names),
            image,
            data.colours,
        )

    @property
    def statistics(self) -> Statistics:
        """The numbers as the pipeline of training takes them."""
        arrays = (np.asarray(x, np.float32) for x in (self.mean, self.deviation))
        image = np.nan if self.mean_image is None else self.mean_image
        return Statistics(self.maximum, np.asarray(image, np.float32), *arrays)

    def normalise(self, images: tf.Tensor) -> tf.Tensor:
        """Return raw images [B, H, W, C] of any real type as the model takes them, float32."""
        return find(self.normalisation)(images, self.statistics)

    def decode(self, content: tf.Tensor) -> tf.Tensor:
        """Return the raw image [H, W, C] float32 of the bytes of a JPEG, PNG, GIF or BMP file.

        A picture of the model's size stays as it is; another one is resized and its centre cut
        out, as in evaluation on files.

        Args:
            content: the bytes, a scalar string.
        """
        size, channels = self.input_shape[:2], self.input_shape[2]
        image = photographs.decode(content)
        same = tf.reduce_all(tf.shape(image)[:2] == size)
        image = tf.cond(
            same, lambda: tf.cast(image, tf.float32), lambda: photographs.centre(content, size)
        )
        image = tf.ensure_shape(image, [*size, 3]) * (self.maximum / 255)
        return image if channels == 3 else tf.reduce_mean(image, axis=-1, keepdims=True)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write it into a model's folder, and return the file."""
        path = Path(folder) / FILE
        write_json(path, asdict(self))
        return path

    def require_fit(self, model: keras.Model) -> None:
        """Refuse a model that takes other images or has other classes.

        Args:
            model: a model with one input [B, H, W, C] and one output [B, ..., classes].

        Raises:
            PruningError: they differ, or the model has several inputs or outputs.
        """
        takes = [tuple(x.shape[1:]) for x in keras.tree.flatten(model.input)]
        gives = [tuple(y.shape[-1:]) for y in keras.tree.flatten(model.output)]
        remedy = ""
        if len(takes) == len(gives) == 1 and gives[0] in ((None,), (len(self.labels),)):
            (shape,) = takes
            fits = [a in (None, b) for a, b in zip(shape, self.input_shape, strict=False)]
            if len(shape) == 3 and all(fits):
                return
            if len(shape) == 3 and fits[2:] == [True] and None not in shape[:2]:
                remedy = (
                    " Where images lie in files, --image_size={},{} brings them to the model's "
                    "size.".format(*shape)
                )
        raise PruningError(
            f"The model {model.name!r} does not fit the data set {self.data!r}: expected one input "
            f"{self.input_shape} and one output of {len(self.labels)} classes, received inputs "
            f"{takes} and outputs of {[y[0] for y in gives]}. Choose another --data or another "
            f"model.{remedy}"
        )


def load(folder: str | os.PathLike) -> Preprocessing | None:
    """Return the preprocessing that lies in a model's folder; None where there is none.

    Args:
        folder: the folder.

    Raises:
        PruningError: the file is damaged.
    """
    path = usable(Path(folder) / FILE)
    if not path.is_file():
        return None
    found = read_json(path, _REMEDY)
    try:
        return _parsed(found)
    except (TypeError, ValueError, KeyError) as error:
        raise PruningError(
            f"The file {path} is damaged: {type(error).__name__}: {error}. {_REMEDY}"
        ) from error


def _parsed(found: Mapping[str, Any]) -> Preprocessing:
    find(found["normalisation"])
    return Preprocessing(
        data=str(found["data"]),
        normalisation=found["normalisation"],
        input_shape=tuple(map(int, found["input_shape"])),
        maximum=float(found["maximum"]),
        mean=tuple(map(float, found["mean"])),
        deviation=tuple(map(float, found["deviation"])),
        labels=tuple(map(str, found["labels"])),
        mean_image=found["mean_image"],
        colours=_colours(found.get("colours")),
    )


def _colours(found: Any) -> tuple[tuple[int, int, int], ...] | None:
    return None if found is None else tuple((int(r), int(g), int(b)) for r, g, b in found)
