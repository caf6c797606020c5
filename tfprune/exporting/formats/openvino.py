"""OpenVINO's intermediate representation; needs the extra `tfprune[openvino]`."""

import importlib
import importlib.util
import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.exporting import _constants, _signature
from tfprune.exporting._joined import joined
from tfprune.exporting._operations import naming_layers
from tfprune.exporting.comparing import EXACT
from tfprune.files import make_folder

TOLERANCE = EXACT
_NOTE = "tfprune"
_LACKING = re.compile(r"No conversion rule found for operations: (\w+(?:, \w+)*)")
# Some processors are given bfloat16 otherwise, which has three digits.
_EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def target(directory: Path) -> Path:
    """Return the folder in a directory: the network and its weights are a file each."""
    return directory / "openvino"


def refuse(model: keras.Model) -> None:
    """Refuse without the optional package."""
    del model
    require_package()


def require_package() -> None:
    """Refuse without the optional package."""
    if not importlib.util.find_spec("openvino"):
        raise PruningError(
            "Format 'openvino' needs the package openvino, which is not installed. Install it "
            "with: pip install 'tfprune[openvino]'."
        )


def write(model: keras.Model, path: Path) -> None:
    """Convert by way of a SavedModel, which carries the names of inputs and outputs."""
    openvino = _openvino()
    make_folder(path)
    with tempfile.TemporaryDirectory() as folder:
        _constants.write({"serving_default": model}, folder)
        with naming_layers("OpenVINO", model, _LACKING):
            converted = openvino.convert_model(folder)
        openvino.save_model(converted, path / "model.xml", compress_to_fp16=False)


def load(
    path: Path, model: keras.Model, threads: int | None = None
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function of OpenVINO on the processor."""
    names = _signature.input_names(model), _signature.output_names(model)
    return _compiled(path / "model.xml", threads, *names)


def parts(
    models: Sequence[keras.Model], threads: int | None = None
) -> list[Callable[[list[np.ndarray]], list[np.ndarray]]]:
    """Return the function of each model, converted together and taken apart again."""
    openvino = _openvino()
    model, takes, gives = joined(models)
    with tempfile.TemporaryDirectory() as folder:
        write(model, Path(folder) / "parts")
        # The file is read into memory, as OpenVINO maps it otherwise, beyond the folder's end.
        found = _core().read_model(
            model=(Path(folder) / "parts" / "model.xml").read_bytes(),
            weights=(Path(folder) / "parts" / "model.bin").read_bytes(),
        )
    return [
        _compiled(
            openvino.Model(
                [found.output(name).node for name in own_gives],
                [found.input(name).node for name in own_takes],
                own_gives[0],
            ),
            threads,
            own_takes,
            own_gives,
        )
        for own_takes, own_gives in zip(takes, gives, strict=True)
    ]


def _compiled(
    network: Any, threads: int | None, takes: list[str], gives: list[str]
) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """Return the function of a file or a network in memory."""
    options = _EXACT | ({} if threads is None else {"INFERENCE_NUM_THREADS": threads})
    compiled = _core().compile_model(network, "CPU", options)

    def call(inputs: list[np.ndarray]) -> list[np.ndarray]:
        received = compiled(dict(zip(takes, inputs, strict=True)))
        return [received[name] for name in gives]

    return call


@cache
def _core() -> Any:
    """Return OpenVINO's runtime, the same for as long as the process lives.

    It gives signals a stack of its own, which it frees with the last core and leaves in place: the
    next signal would end the process with a segmentation fault (2026.4).
    """
    return _openvino().Core()


def _openvino() -> Any:
    """Return the package; it takes absl's handler from the root logger, which is put back."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    try:
        return importlib.import_module("openvino")
    finally:
        for handler in handlers:
            root.addHandler(handler)  # where it is missing


def hold(path: Path, text: str) -> None:
    """Put metadata into the network's own notes."""
    openvino = _openvino()
    network, weights = ((path / f"model.{suffix}").read_bytes() for suffix in ("xml", "bin"))
    found = _core().read_model(model=network, weights=weights)  # not mapped: it is replaced
    found.set_rt_info(text, [_NOTE])
    openvino.save_model(found, path / "model.xml", compress_to_fp16=False)


def held(path: Path) -> str | None:
    """Return the metadata; None: there are none, or it is another format's folder."""
    if not (path / "model.xml").is_file():
        return None
    require_package()
    found = _core().read_model(path / "model.xml")
    return found.get_rt_info([_NOTE]).value if found.has_rt_info([_NOTE]) else None
