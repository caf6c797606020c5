"""How much of keras-hub's backbones may go, each in a tiny configuration.

    python -m benchmarks.hub [NAME ...]       (keras-hub installed: pip install keras-hub)
    python -m benchmarks.hub EfficientNet+    (with a Dense layer behind each of its outputs)

Each backbone is opened, half of its free units are removed at random, and the result is compared
with the masked original, reloaded without keras-hub's classes, and run on a batch of another size.
FNet is opened for texts of 16 tokens: a Fourier transform takes no open length.
"""

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from benchmarks.hub_tiny import BACKBONES


def build(name: str) -> keras.Model:
    """Return a tiny backbone with weights that are no constants; of `name+` what its user has."""
    if name.endswith("+"):
        model = build(name[:-1])
        ends = [keras.layers.Dense(4)(x) for x in keras.tree.flatten(model.output)]
        return keras.Model(model.input, ends)
    kind = getattr(importlib.import_module("keras_hub").models, f"{name}Backbone")
    keras.utils.set_random_seed(0)
    config = dict(BACKBONES[name])
    if "image_encoder" in config:
        config["image_encoder"] = build(config["image_encoder"])
    model = kind(**config)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "float" in weight.dtype:
            value = np.asarray(weight) + rng.normal(0, 0.05, weight.shape)
            weight.assign(np.abs(value) if "variance" in weight.path else value)
    return model


_TOKENS = {"FNet": 16}


def _of_a_length(model: keras.Model, tokens: int | None) -> keras.Model:
    """Return a model opened for texts of a length, or as it is where any length will do."""
    if tokens is None:
        return model
    inputs = {key: keras.Input((tokens,), dtype=x.dtype) for key, x in model.input.items()}
    return tfprune.open_up(model, inputs)


def random_masks(graph: tfprune.ChannelGraph, share: float) -> dict[str, np.ndarray]:
    """Return keep masks under which about this share of the free units is gone."""
    rng = np.random.default_rng(0)
    removed = ~graph.is_pinned & (rng.random(len(graph.is_pinned)) < share)
    axes = [*graph.producers.values(), *(x for o in graph.owners.values() for x in o.needed)]
    for ids in axes:  # none may lose all
        if removed[graph.unit[ids]].all():
            removed[graph.unit[ids[0]]] = False
    return {name: ~removed[graph.units_of(name)] for name in graph.producers}


def _reloads(model: keras.Model) -> bool:
    """Return whether a model comes back from its file, and all its layers are Keras' own."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model.save(Path(folder) / "small.keras")
            again = keras.models.load_model(Path(folder) / "small.keras")
        except Exception:  # what a layer of keras-hub's own cannot write or read
            return False
    return all(type(x).__module__.startswith("keras.src") for x in again.layers)


def measured(name: str) -> dict[str, Any]:
    """Return what is to be told of one backbone."""
    model = build(name)
    start = time.perf_counter()
    graph = tfprune.analyse(_of_a_length(model, _TOKENS.get(name)))
    seconds = time.perf_counter() - start
    # Every free unit but one of each layer goes: what is left may not.
    left = tfprune.rebuild(graph, random_masks(graph, 1.0)).count_params()
    loose = tfprune.analyse(graph.model, allow_inexact=True, open_layers=False)
    loosely = tfprune.rebuild(loose, random_masks(loose, 1.0)).count_params()
    keep = random_masks(graph, 0.5)
    small = tfprune.rebuild(graph, keep)
    check = tfprune.verify(graph, keep, small)
    total = model.count_params()
    whole = [line.partition("left whole: ")[2] for line in str(graph).splitlines()]
    return {
        "backbone": name,
        "weights": f"{total:,}",
        "may go": f"{1 - left / total:.0%}",
        "with allow_inexact": f"{1 - loosely / total:.0%}",
        "left of half": f"{small.count_params() / total:.0%}",
        "proven": "yes" if check.proven else f"no: {check}",
        "reloads as stock Keras": "yes" if _reloads(small) else "no",
        "seconds to analyse": f"{seconds:.1f}",
        "left whole": "; ".join(filter(None, whole)) or "-",
    }


def main(names: Sequence[str]) -> None:
    """Print a table with a line for each backbone."""
    title = ["backbone", "weights", "may go", "with allow_inexact", "left of half", "proven",
             "reloads as stock Keras", "seconds to analyse", "left whole"]  # fmt: skip
    print("|", " | ".join(title), "|\n|" + "---|" * len(title))
    for name in names or BACKBONES:
        try:
            print("|", " | ".join(measured(name).values()), "|", flush=True)
        except Exception as error:  # a family that fails is a line of the table
            line = (str(error) or type(error).__name__).splitlines()[0]
            print(f"| {name} | {type(error).__name__}: {line} |", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main(sys.argv[1:])
