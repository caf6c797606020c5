"""Write each format under a temporary name, compare it with the model, then rename it."""

import contextlib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from tfprune import plugins
from tfprune.data import Preprocessing
from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.exporting import formats as known
from tfprune.exporting.comparing import EXACT, Check, compare, require_agreement, require_equal
from tfprune.exporting.exported import Exported
from tfprune.exporting.metadata import as_text
from tfprune.exporting.serving import servable_name, write_companions
from tfprune.files import atomic_path, sweep, write_version
from tfprune.files import known as is_known

_INPUTS, _SAMPLES = "export", "representative data"


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
            of 32.
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
    proof = _Proof(_again(inputs), _again(representative), tolerance, min_agreement)
    proof.require(model, modules)
    about = as_text(model, metadata, preprocessing)
    root = _folder(directory)
    base = root if name is None else root / servable_name(name)
    for folder in {root, base}:
        sweep(folder, below=False)  # it may be any folder of the user's
    places = {each: module.target(root) for each, module in modules.items()}
    for each, place in places.items():
        if place.exists() and not overwrite and not _numbered(modules[each]):
            raise PruningError(
                f"The target {place} of format {each!r} exists. Expected a new place; "
                "choose another directory or pass overwrite=True."
            )
    checks = {}
    for each, module in modules.items():

        def written(path: Path, each: str = each, module: ModuleType = module) -> None:
            with _explaining(each, model):
                _write(module, model, path, proof, preprocessing)
                module.hold(path, about)
                checks[each] = proof.check(each, module, model, path)

        if _numbered(module):
            places[each] = write_version(base, written)
        else:
            with atomic_path(places[each]) as temporary:
                written(temporary)
    if preprocessing is not None:
        preprocessing.save(root)
    if name is not None and any(map(_numbered, modules.values())):
        write_companions(root, client=preprocessing is not None)
    return Exported(places, checks)


def _folder(directory: str | os.PathLike) -> Path:
    """Return where to export to; no system has a name with a NUL in it."""
    if "\0" in str(directory):
        raise PruningError(
            f"export: expected the path of a folder, received {str(directory)!r}, with a NUL "
            "character in it. Choose another name."
        )
    return Path(directory)


def require_formats(model: keras.Model, formats: Sequence[str]) -> dict[str, ModuleType]:
    """Find formats by name and refuse those that cannot hold a model, before a long training.

    Args:
        model: the model, or one of the same layers.
        formats: names of formats.

    Returns:
        {name: module}

    Raises:
        PruningError: an unknown or repeated format, a missing optional package, or a model that
            the format cannot hold.

    Example:
        >>> import keras
        >>> image = keras.Input((4,), name="image")
        >>> list(require_formats(keras.Model(image, image), ["keras"]))
        ['keras']
    """
    if isinstance(formats, str) or not formats or len(set(formats)) != len(formats):
        raise PruningError(
            "formats must be a non-empty sequence of different names, received "
            f"{formats!r}. Valid names: {', '.join(plugins.names(known))}."
        )
    found = {name: plugins.find(known, name, "export format") for name in formats}
    _signature.require_graph(model)
    for module in found.values():
        module.refuse(model)
    return found


def measure(path: str | os.PathLike, name: str, model: keras.Model, data: Any) -> Check:
    """Compare an exported file with its model on data; nothing is refused or removed.

    Args:
        path: the file or folder, as `export` has returned it.
        name: of its format.
        model: the model that was exported.
        data: in any form that `tfprune.score` takes; with labels the accuracy is told.

    Example:
        >>> import keras, numpy as np, tempfile
        >>> image = keras.Input((4,), name="image")
        >>> model = keras.Model(image, keras.layers.Dense(2, name="head")(image))
        >>> path = export(model, tempfile.mkdtemp(), formats=["keras"])["keras"]
        >>> measure(path, "keras", model, np.ones((3, 4))).agreement
        1.0
    """
    module = plugins.find(known, name, "export format")
    call = module.load(Path(path), model)
    return compare(model, call, _signature.flat_batches(data, model, _INPUTS)).check()


def quantised(formats: Sequence[str]) -> list[str]:
    """Return those formats that need representative data.

    Example:
        >>> quantised(["saved_model", "tflite_int8"])
        ['tflite_int8']
    """
    modules = {name: plugins.find(known, name, "export format") for name in formats}
    return [name for name, module in modules.items() if getattr(module, "MEASURES", False)]


@dataclass(frozen=True)
class _Proof:
    """What formats are measured and judged by; the fields are arguments of `export`."""

    inputs: Any
    representative: Any
    tolerance: float
    min_agreement: float

    def require(self, model: keras.Model, modules: Sequence[str]) -> None:
        """Refuse values out of range, data that is missing or does not fit, and what is idle."""
        need = quantised(modules)
        if need and self.representative is None:
            raise PruningError(
                f"Format {need[0]!r} needs representative data to measure the ranges of values on: "
                "pass representative=, some hundred training samples as the model takes them; "
                "received None."
            )
        if not need and self.representative is not None:
            raise PruningError(
                f"representative= has no effect on the formats {', '.join(modules)}: leave it out, "
                "or add 'tflite_int8'."
            )
        if not 0 < self.tolerance < 1 or not 0 <= self.min_agreement <= 1:
            raise PruningError(
                "export: expected a tolerance in (0, 1) and min_agreement in [0, 1], received "
                f"{self.tolerance} and {self.min_agreement}."
            )
        for data, user in ((self.inputs, _INPUTS), (self.representative, _SAMPLES)):
            if data is not None:  # all of it is read later, after long conversions
                next(_signature.flat_batches(data, model, user))

    def samples(self, model: keras.Model) -> Iterator[list]:
        """Yield the representative data, flat."""
        for flat in _signature.flat_batches(self.representative, model, _SAMPLES):
            yield flat.inputs

    def check(self, name: str, module: ModuleType, model: keras.Model, path: Path) -> Check:
        """Load what was written, and refuse it unless it is equal, or agrees if quantised."""
        data = self.representative if self.inputs is None else self.inputs
        if data is None:
            batches = iter([_signature.Flat(_signature.example_inputs(model))])
        else:
            batches = _signature.flat_batches(data, model, _INPUTS)
        seen = compare(model, module.load(path, model), batches)
        if getattr(module, "MEASURES", False):
            require_agreement(name, seen, self.min_agreement, self.limit(module, model))
        else:
            require_equal(name, seen, self.limit(module, model))
        return seen.check()

    def limit(self, module: ModuleType, model: keras.Model) -> float:
        """Return the largest accepted difference of a format, as a share of the scale."""
        own = 0.0 if module.TOLERANCE == EXACT else module.TOLERANCE
        return max(self.tolerance, own, _signature.resolution(model))


def _numbered(module: ModuleType) -> bool:
    """Return whether a format's folders are versions, each with the next number."""
    return getattr(module, "NUMBERED", False)


def _again(data: Any) -> Any:
    """Return data that can be read several times."""
    return list(data) if isinstance(data, Iterator) else data


def _write(
    module: ModuleType,
    model: keras.Model,
    path: Path,
    proof: _Proof,
    preprocessing: Preprocessing | None,
) -> None:
    if getattr(module, "MEASURES", False):
        module.write(model, path, proof.samples(model))
    elif preprocessing is not None and hasattr(module, "serve"):
        module.serve(model, path, preprocessing)
        module.check(path, model, preprocessing, proof.limit(module, model))
    else:
        module.write(model, path)


@contextlib.contextmanager
def _explaining(name: str, model: keras.Model) -> Iterator[None]:
    """Turn what converters and runtimes raise, types of their own, into an error of ours."""
    try:
        yield
    except PruningError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and is_known(error):
            raise
        raise PruningError(
            f"Format {name!r} cannot hold the model {model.name!r}: {type(error).__name__}: "
            f"{textwrap.shorten(str(error), 300)} Nothing was left behind; another format may "
            "hold it."
        ) from error
