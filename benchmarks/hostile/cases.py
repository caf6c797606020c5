"""The inputs, family by family: each is a name and what reads it in an empty folder."""

import json
import os
import random
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

import tfprune.data
from benchmarks.hostile import archives, calls, damage
from tfprune import files, runs, weights
from tfprune.data import preprocessing
from tfprune.data.sets import _pickles
from tfprune.errors import PruningError

Case = tuple[str, Callable[[Path], Any]]
Family = Callable[[random.Random, Path], Iterator[Case]]  # a draw, and a file that must not appear
_SETTINGS = "--epochs=2\n"


def _written(name: str, data: bytes, read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def case(folder: Path) -> Any:
        (folder / name).write_bytes(data)
        return read(folder / name)

    return case


def _metrics(path: Path) -> None:
    found = runs.MetricsFile(path)
    found.rows()
    found.on_epoch_end(3, {"loss": 1.0})


_RUN: dict[str, Callable[[Path], Any]] = {
    "flags.cfg": lambda path: runs.claim(path.parent, _SETTINGS),
    "report.json": lambda path: (
        runs.report_values(path.parent),
        runs.require_same(path.parent, {"seed": 0, "data": "digits"}),
    ),
    "report.txt": lambda path: runs.report_text(path.parent),
    "metrics.csv": _metrics,
    "masks.npz": runs.load_masks,
    "preprocessing.json": lambda path: preprocessing.load(path.parent),
    "run.json": lambda path: files.claim(
        path.parent, {"epochs": 2}, name="run.json", what="training"
    ),
    "plan.json": lambda path: files.read_json(path, "Write it again."),
}  # fmt: skip


def _good_run() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs.claim(folder, _SETTINGS)
        runs.save_masks(folder, {"stem": np.array([True, False])})
        _metrics(folder / "metrics.csv")
        preprocessing.Preprocessing.of(tfprune.data.load("digits")).save(folder)
        files.write_json(folder / "report.json", {"seed": 0, "data": "digits"})
        files.write_text(folder / "report.txt", "All is well.\n")
        files.write_json(folder / "plan.json", {"epochs": 2, "nested": [1, {"a": None}]})
        files.claim(folder / "t", {"epochs": 2}, name="run.json", what="training")
        (folder / "run.json").write_bytes((folder / "t" / "run.json").read_bytes())
        return {name: (folder / name).read_bytes() for name in _RUN}


def run_folder(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield damaged files of a run."""

    def instead(name: str, make: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def case(folder: Path) -> Any:
            make(folder / name)
            return _RUN[name](folder / name)

        return case

    for name, good in _good_run().items():
        for how, spoil in (damage.ANY if name == "masks.npz" else damage.TEXT).items():
            for number in range(3 if how in damage.ANY else 1):
                yield f"{name}: {how} {number}", _written(name, spoil(good, draw), _RUN[name])
        yield f"{name}: a folder", instead(name, Path.mkdir)
        yield f"{name}: a link to itself", instead(name, lambda path: path.symlink_to(path))
        yield f"{name}: a link to nothing", instead(name, lambda path: path.symlink_to("nothing"))


def arrays(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield `.npz` files, as masks and as images."""
    sides = {"masks": (("stem",), runs.load_masks), "images": (("images", "labels"), _images)}
    for what, (names, read) in sides.items():
        for name, member in archives.npz_headers(canary):

            def case(folder: Path, given: tuple = (member, names), read: Callable = read) -> Any:
                archives.npz(folder / "a.npz", *given)
                return read(folder / "a.npz")

            yield f"{what}: {name}", case
    values = {
        "text": np.array(["a"] * 9), "complex": np.ones(9, complex), "nan": np.full(9, np.nan),
        "negative": -np.arange(9), "huge": np.arange(9) * 10**17, "bool": np.ones(9, bool),
        "dates": np.zeros(9, "M8[s]"), "void": np.zeros(9, "V3"), "of one": np.zeros(1),
    }  # fmt: skip
    for name, labels in values.items():
        for kind in (np.uint8, np.float32, np.int64, bool):

            def images(folder: Path, labels: np.ndarray = labels, kind: type = kind) -> Any:
                np.savez(folder / "a.npz", images=np.zeros((9, 4, 4, 1), kind), labels=labels)
                return _images(folder / "a.npz")

            yield f"labels {name}, images {kind.__name__}", images


def _images(path: Path) -> Any:
    return tfprune.data.load("npz", data_dir=path)


def pickles(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield pickles, as CIFAR and as checkpoints of PyTorch."""
    made = [*archives.calls(canary), *archives.bombs()]
    for name, body in made:
        yield f"CIFAR: {name}", _written("data_batch_1", body, _pickles.read)
        yield f"zip: {name}", _written("a.pth", archives.zipped(body), weights.read)
        yield f"legacy: {name}", _written("b.pth", body, weights.read)
    for count, numel in ((300, 1_000_000), (100_000, 1), (2, 3)):
        yield f"{count} views", _written("v.pth", archives.views(count, numel), weights.read)
    good = archives.views(3, 6)
    for how, spoil in damage.ANY.items():
        for number in range(6):
            yield f"checkpoint: {how} {number}", _written("d.pth", spoil(good, draw), weights.read)


def safetensors(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield `.safetensors` files."""
    for name, data in archives.safetensors(draw):
        yield name, _written("a.safetensors", data, weights.read)


def models(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield `.keras` files."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(path)
        good = path.read_bytes()
        config = json.loads(archives.zipfile.ZipFile(path).read("config.json"))
        code = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
        lying = json.loads(json.dumps(config).replace('"units": 2', '"units": 2000000000'))
        call = json.loads(json.dumps(config).replace("Dense", "Lambda"))
        call["config"]["layers"][-1]["config"] = {"function": code, "name": "x"}
        module = json.loads(json.dumps(config).replace('"keras.layers"', '"posix"'))
        changes: dict[str, dict[str, bytes | None]] = {
            "no config": {"config.json": None},
            "no weights": {"model.weights.h5": None},
            "inflating config": {"config.json": b'{"a": "' + b" " * 600_000_000 + b'"}'},
            "inflating weights": {"model.weights.h5": bytes(600_000_000)},
            "deep config": {"config.json": b"[" * 100_000},
            "units": {"config.json": json.dumps(lying).encode()},
            "code": {"config.json": json.dumps(call).encode()},
            "module": {"config.json": json.dumps(module).encode()},
            "HTML": {
                "config.json": json.dumps(config).replace("dense", "<script>\\u001b").encode()
            },
        }
        for what, change in changes.items():
            yield what, _written("a.keras", archives.rewritten(path, change), files.load_model)
    for how, spoil in damage.ANY.items():
        for number in range(4):
            yield f"{how} {number}", _written("b.keras", spoil(good, draw), files.load_model)


def class_folders(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield folders of photographs, with names and contents that no one expects."""
    names = [b"\xff\xfe", b"a\nb", b"<script>", b"..a", b"\x1b[31m", b"a" * 240, b" ", b"-rf",
             "ä".encode("latin-1"), "\u202e".encode(), b"con", b"%s%n", b"$(touch x)"]  # fmt: skip
    picture = zlib.decompress(zlib.compress(_jpeg()))
    for name in names:

        def named(folder: Path, name: bytes = name) -> Any:
            for own in (name, b"other"):
                place = bytes(folder) + b"/" + own
                Path(place.decode("utf-8", "surrogateescape")).mkdir()
                for number in range(12):
                    target = place + b"/" + (own if number else b"\xe9") + b"%d.jpg" % number
                    Path(target[-4000:].decode("utf-8", "surrogateescape")).write_bytes(picture)
            return _all_read(tfprune.data.load("folder", data_dir=folder))

        yield f"name {name[:20]!r}", named
    for how, spoil in damage.ANY.items():
        for number in range(3):
            spoilt = spoil(picture, draw)

            def contents(folder: Path, spoilt: bytes = spoilt) -> Any:
                for label in "ab":
                    (folder / label).mkdir()
                    for place in range(12):
                        (folder / label / f"{place}.jpg").write_bytes(spoilt if place else picture)
                return _all_read(tfprune.data.load("folder", data_dir=folder))

            yield f"pictures: {how} {number}", contents


def _jpeg() -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(file.name)
        return Path(file.name).read_bytes()


def _all_read(data: Any) -> str:
    for _ in data.train.batches(4):
        pass
    return data.fingerprint


def misbehaving(draw: random.Random, canary: Path) -> Iterator[Case]:
    """Yield what must not happen, to see that it is counted."""

    def refuse(folder: Path) -> None:
        raise PruningError("refused")

    def compute(folder: Path) -> None:
        begun = time.process_time()
        while time.process_time() - begun < 11:
            pass

    yield "taken", lambda folder: None
    yield "an error", lambda folder: 1 / 0
    yield "code", lambda folder: canary.touch()
    yield "ends", lambda folder: os._exit(0)
    yield "takes memory", lambda folder: bytearray(2**33)
    yield "refused", refuse
    yield "takes time", compute


FAMILIES: dict[str, Family] = {
    "run_folder": run_folder,
    "arrays": arrays,
    "pickles": pickles,
    "safetensors": safetensors,
    "models": models,
    "class_folders": class_folders,
    "arguments": calls.arguments,
    "misbehaving": misbehaving,
}
