"""What a toy model is, and how its expected units are written down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Toy:
    """A small model beside what an analysis has to find in it.

    Args:
        model: the model.
        units: {layer: one letter per channel}; equal letters are one unit, "." is a pinned channel.
        why: {layer: words from the reason of its pinned channels}.
        inexact: as `units`, with `allow_inexact=True`; None where nothing is inexact.
        always: letters of which pruning must keep one more than each layer's own floor asks for.
        inputs: what to feed; random numbers by default.
        tolerance: share of the outputs' scale up to which the oracle counts as equal.
    """

    model: keras.Model
    units: dict[str, str]
    why: dict[str, str] = field(default_factory=dict)
    inexact: dict[str, str] | None = None
    always: str = ""
    inputs: Any = None
    tolerance: float = 1e-5


# Keras itself cannot save an operation that holds an array.
UNSAVEABLE = ("clipped_per_channel", "repeated_unevenly")

TOYS: dict[str, Callable[[], Toy]] = {}


def toy(build: Callable[[], Toy]) -> Callable[[], Toy]:
    """Register a toy under its function's name; its weights are made random, biases too."""

    def built() -> Toy:
        keras.utils.set_random_seed(0)
        made = build()
        randomize(made.model)
        return made

    TOYS[build.__name__] = built
    return built


def randomize(model: keras.Model, seed: int = 0) -> None:
    """Give every weight random values: zero biases and unit statistics would hide mistakes."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" not in str(weight.dtype):
            continue
        if "variance" in weight.name:
            value = rng.uniform(0.5, 1.5, weight.shape)
        else:
            fan = max(1, int(np.prod(weight.shape[:-1])))
            value = rng.normal(0.2, 1.5 / np.sqrt(fan), weight.shape)
        weight.assign(value.astype("float32"))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # it computes with copies of its weights
            layer.finalize_state()


def random_keep(units: dict[str, str], seed: int, always: str = "") -> dict[str, np.ndarray]:
    """Return keep masks that remove random units, at least one, but never a whole layer.

    Args:
        units: {layer: one letter per channel}, as in `Toy`.
        seed: seed of the choice.
        always: letters that stay.
    """
    rng = np.random.default_rng(seed)
    letters = sorted(set("".join(units.values())) - {"."})
    gone = {letter for letter in letters if letter not in always and rng.random() < 0.5}
    if not gone:
        gone = set(rng.permuted(sorted(set(letters) - set(always)))[:1].tolist())
    for line in units.values():
        if set(line) <= gone:
            gone.discard(line[int(rng.integers(len(line)))])
    return {name: np.array([c not in gone for c in line]) for name, line in units.items()}
