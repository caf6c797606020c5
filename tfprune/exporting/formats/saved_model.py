"""TensorFlow SavedModel, in the versioned layout of TensorFlow Serving.

With preprocessing, its signatures are

- `serving_default`: raw `images` [B, H, W, C], float32 -> `probabilities` and `logits`;
- `bytes`: `content` [B], each the bytes of a JPEG or PNG file -> the same;
- `model`: what the model itself takes and gives, under its own names;

without it, `serving_default` is the model itself. One request for each signature is left for the
server to warm up with.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting._members import METADATA
from tfprune.exporting._signature import (
    call,
    example_inputs,
    input_names,
    output_names,
    require_threads,
)
from tfprune.exporting.comparing import EXACT
from tfprune.exporting.formats import keras as keras_format
from tfprune.exporting.warm_up import write_warm_up
from tfprune.files import make_folder, read_text, write_text
from tfprune.graph.heads import gives_probabilities
from tfprune.surgery.equality import compare
from tfprune.surgery.responses import raw_outputs

TOLERANCE = EXACT
NUMBERED = True
_DEFAULT, _OWN, _BYTES = "serving_default", "model", "bytes"
_EXAMPLES = 3
_EXTRA = "assets.extra"  # of files that TensorFlow Serving leaves alone


def target(directory: Path) -> Path:
    """Return the folder of the first version."""
    return directory / "1"


def refuse(model: keras.Model) -> None:
    """Accept every model."""


def write(model: keras.Model, path: Path) -> None:
    """Write one signature with the model's own input and output names and a free batch size."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    _add_model(archive, model, _DEFAULT)
    archive.write_out(str(path), verbose=False)
    write_warm_up(path, model.name, {_DEFAULT: _own_request(model)})


def serve(model: keras.Model, path: Path, preprocessing: Preprocessing) -> None:
    """Write the signatures that take raw images, and beside them the labels.

    Args:
        model: a model with one input, of images.
        path: the folder to write.
        preprocessing: what the images go through, and the labels.
    """
    shape = preprocessing.input_shape

    def images(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _answers(model, preprocessing.normalise(images))

    def content(content: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = tf.TensorSpec(shape, tf.float32)
        return images(tf.map_fn(preprocessing.decode, content, fn_output_signature=spec))

    archive = keras.export.ExportArchive()
    archive.track(model)
    _add_model(archive, model, _OWN)
    raw = tf.TensorSpec((None, *shape), tf.float32, name="images")
    archive.add_endpoint(_DEFAULT, images, input_signature=[raw])
    texts = tf.TensorSpec((None,), tf.string, name="content")
    archive.add_endpoint(_BYTES, content, input_signature=[texts])
    archive.write_out(str(path), verbose=False)
    extra = make_folder(path / _EXTRA)
    write_text(extra / "labels.txt", "".join(f"{label}\n" for label in preprocessing.labels))
    preprocessing.save(extra)
    picture = np.zeros((*shape[:2], 3), np.uint8)
    requests = {
        _DEFAULT: {"images": np.zeros((1, *shape), np.float32)},
        _BYTES: {"content": [tf.io.encode_png(picture).numpy()]},
        _OWN: _own_request(model),
    }
    write_warm_up(path, model.name, requests)


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function of the loaded signature."""
    require_threads("saved_model", threads)
    # A signature dies with the object it was loaded from, so that object keeps a name.
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures[_OWN if _OWN in loaded.signatures else _DEFAULT]
    takes, gives = input_names(model), output_names(model)

    def call(inputs: list[np.ndarray], _owner: Any = loaded) -> list[np.ndarray]:
        received = signature(**dict(zip(takes, map(tf.constant, inputs), strict=True)))
        return [received[name].numpy() for name in gives]

    return call


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, compiled here: a SavedModel holds the same graph."""
    return keras_format.parts(models, threads)


def placed(inputs: list[np.ndarray]) -> list[tf.Tensor]:
    """Return inputs as the functions of `parts` take them."""
    return keras_format.placed(inputs)


def check(
    path: Path, model: keras.Model, preprocessing: Preprocessing, tolerance: float = EXACT
) -> None:
    """Refuse signatures that compute something else than preprocessing and model in turn.

    Args:
        path: the folder that was written.
        model: the model.
        preprocessing: what `serve` was given.
        tolerance: the largest accepted difference, as a share of the output's scale.

    Raises:
        PruningError: they differ.
    """
    loaded = tf.saved_model.load(str(path))
    random = np.random.default_rng(0)
    size = (_EXAMPLES, *preprocessing.input_shape[:2], 3)
    pictures = random.integers(0, 256, size).astype(np.uint8)
    content = tf.stack([tf.io.encode_png(picture) for picture in pictures])
    raw = tf.stack([preprocessing.decode(one) for one in content])
    expected = _outputs(model, preprocessing, raw)
    for name, given in ((_DEFAULT, {"images": raw}), (_BYTES, {"content": content})):
        received = loaded.signatures[name](**given)
        found = received.get("probabilities", received.get(output_names(model)[0]))
        (gap,) = compare([expected], [found.numpy().astype("float64")])
        if not gap.relative <= tolerance:
            raise PruningError(
                f"The signature {name!r} differs from preprocessing and model in turn: expected a "
                f"difference of at most {tolerance:g} of the scale {gap.magnitude:g}, received "
                f"{gap.relative:g}. Export without preprocessing."
            )


def _outputs(model: keras.Model, preprocessing: Preprocessing, raw: tf.Tensor) -> np.ndarray:
    outputs = model(preprocessing.normalise(raw), training=False)
    logits = _classifies(model) and not gives_probabilities(model)
    return np.asarray(tf.nn.softmax(outputs) if logits else outputs, "float64")


def _own_request(model: keras.Model) -> dict[str, np.ndarray]:
    return {
        name: value[:1]
        for name, value in zip(input_names(model), example_inputs(model), strict=True)
    }


def _add_model(archive: Any, model: keras.Model, endpoint: str) -> None:
    names = output_names(model)

    def own(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, call(model, list(tensors)), strict=True))

    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, input_names(model), strict=True)
    ]
    archive.add_endpoint(endpoint, own, input_signature=specs)


def _answers(model: keras.Model, images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return probabilities and logits of a classifier, else the model's own outputs."""
    if not _classifies(model):
        return dict(zip(output_names(model), call(model, [images]), strict=True))
    (logits,) = raw_outputs(model, images)
    return {"probabilities": tf.nn.softmax(logits), "logits": logits}


def _classifies(model: keras.Model) -> bool:
    try:
        gives_probabilities(model)
    except PruningError:
        return False
    return True


def hold(path: Path, text: str) -> None:
    """Put metadata where TensorFlow Serving leaves files alone."""
    write_text(make_folder(path / _EXTRA) / METADATA, text)


def held(path: Path) -> str | None:
    """Return the metadata; None: there are none, or it is no SavedModel."""
    file = path / _EXTRA / METADATA
    return read_text(file, "Export the model again.") if file.is_file() else None
