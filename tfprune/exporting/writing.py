"""Write each format under a temporary name, compare it with the model, then rename it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting._one_format import explained, write_format
from tfprune.exporting._proof import Proof, readable_again
from tfprune.exporting.chosen_formats import is_numbered, require_formats
from tfprune.exporting.comparing import EXACT
from tfprune.exporting.exported import Exported
from tfprune.exporting.metadata import as_text
from tfprune.exporting.serving import servable_name, write_companions
from tfprune.files import atomic_path, listed, sweep, unfinished, write_version
from tfprune.passes.progress import tell


def export(  # noqa: PLR0913 - what is written and how it is proven, each a keyword
    model: keras.Model,
    directory: str | os.PathLike,
    *,
    formats: Sequence[str] = ("saved_model",),
    inputs: Any = None,
    representative: Any = None,
    tolerance: float = EXACT,
    min_agreement: float = 0.9,
    preprocessing: Preprocessing | None = None,
    metadata: Mapping[str, Any] | None = None,
    name: str | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a model in the formats that servers read, each proven equal to the model.

    Every file is loaded again by its format's own runtime before it gets its name; one whose
    outputs differ from the model's is removed. `saved_model` is written in the versioned layout of
    TensorFlow Serving, so that `directory` is a servable base path: the next number is taken.

    Args:
        model: a built Keras model with named inputs.
        directory: the folder to write into; made if it is missing.
        formats: names among "saved_model", "keras", "tflite", "tflite_float16",
            "tflite_dynamic_range", "tflite_int8", "onnx" and "openvino".
        inputs: what to compare on, in any form that `tfprune.score` takes, for instance a list
            with one array [N, ...] per input of the model, or the batches of a validation split;
            with labels the accuracy is told, too. Without them: the representative data, else
            three samples of standard normal numbers (zeros for integer inputs), with a free size
            of 32, or of what the model takes.
        representative: for "tflite_int8", what the ranges of all values are measured on, in the
            same forms: some hundred training samples as the model takes them, not augmented.
        tolerance: the largest accepted difference of the exact formats, as a share of the
            output's scale, in (0, 1); those that store fewer bits have at least a bound of their
            own.
        min_agreement: the least share of samples, in [0, 1], of which "tflite_int8" must say the
            same class as the model.
        preprocessing: what raw images go through, and the labels; `saved_model` then takes raw
            images or the bytes of files and gives probabilities and logits. It is written beside
            the files, too.
        metadata: what the files are to tell of themselves, plain values by name, such as
            `PruningReport.metadata()`; see `tfprune.exporting.read_metadata`.
        name: what the model is served as: its versions lie in a folder of that name then, and
            beside it a `models.config` for TensorFlow Serving and a client to begin with.
        overwrite: replace files that are already there; a version of a SavedModel never is.

    Returns:
        For each format the path of what was written; `.checks` has what was found in comparing,
        and `str()` is a table of it.

    Raises:
        DisagreementError: an int8 file answers too often otherwise than the model.
        PruningError: an unknown or repeated format, an existing target without `overwrite`, a
            model that the format cannot hold, a missing optional package, data of another shape,
            an option without effect, or outputs that are not finite, all zero, or differ by more
            than the tolerance.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4,), name="image")
        >>> model = keras.Model(image, keras.layers.Dense(2, name="head")(image))
        >>> export(model, tempfile.mkdtemp(), formats=["keras"])["keras"].name
        'model.keras'
    """
    modules = require_formats(model, formats)
    proof = Proof(readable_again(inputs), readable_again(representative), tolerance, min_agreement)
    proof.require(model, modules)
    about = as_text(model, metadata, preprocessing)
    root = _folder(directory)
    base = root if name is None else root / servable_name(name)
    places = {each: module.target(root) for each, module in modules.items()}
    begun = unfinished(root)
    single = {each: place for each, place in places.items() if not is_numbered(modules[each])}
    if not overwrite:
        _require_new({each: place for each, place in single.items() if place.name not in begun})
    new = {place.name for place in single.values() if not place.exists()} | begun
    checks: dict[str, Any] = {}
    with listed(root, new):
        for folder in {root, base}:
            sweep(folder, below=False)  # it may be any folder of the user's
        for number, (each, module) in enumerate(modules.items()):
            tell(number, len(modules), "formats")

            def written(path: Path, each: str = each, module: ModuleType = module) -> None:
                with explained(each, model):
                    write_format(module, model, path, proof, preprocessing)
                    module.hold(path, about)
                    checks[each] = proof.check(each, module, model, path)

            if is_numbered(module):
                places[each] = write_version(base, written)
            else:
                with atomic_path(places[each]) as temporary:
                    written(temporary)
        tell(len(modules), len(modules), "formats")
        if preprocessing is not None:
            preprocessing.save(root)
        if name is not None and any(map(is_numbered, modules.values())):
            write_companions(root, client=preprocessing is not None)
    return Exported(places, checks)


def _require_new(places: Mapping[str, Path]) -> None:
    for each, place in places.items():
        if place.exists():
            raise PruningError(
                f"The target {place} of format {each!r} exists. Expected a new place; "
                "choose another directory or pass overwrite=True (`--overwrite` in export.py)."
            )


def _folder(directory: str | os.PathLike) -> Path:
    """Return where to export to; no system has a name with a NUL in it."""
    if "\0" in str(directory):
        raise PruningError(
            f"export: expected the path of a folder, received {str(directory)!r}, with a NUL "
            "character in it. Choose another name."
        )
    return Path(directory)
