"""Grow a random functional model step by step."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

Step = Callable[["Growth", Any], Any]


@dataclass
class Growth:
    """A model in the making.

    Args:
        random: where every choice comes from: hypothesis' own (`st.randoms()`), or a seeded one.
        inputs: the model's inputs.
        tensors: every tensor that a step may go on from.
        layers: layers that may be called once more.
    """

    random: random.Random
    inputs: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    layers: list[Any] = field(default_factory=list)
    count: int = 0

    def name(self, kind: str) -> str:
        """Return a name that no other layer has."""
        self.count += 1
        return f"{kind}{self.count}"  # Keras itself names an operation `einsum_3`

    def one_of(self, *choices: Any) -> Any:
        """Draw one of some values; failures shrink towards the first."""
        return self.random.choice(choices)

    def size(self) -> int:
        """Draw a number of channels."""
        return self.one_of(4, 2, 3, 6)

    def alike(self, x: Any, axes: Sequence[int]) -> Any:
        """Draw a tensor whose sizes along some axes are those of `x`, or `x` itself."""
        rank = [y for y in self.tensors if len(y.shape) == len(x.shape)]
        same = [y for y in rank if all(y.shape[a] == x.shape[a] for a in axes)]
        return self.one_of(*reversed(same)) if same else x

    def grow(self, steps: Sequence[Step], at_most: int) -> None:
        """Take some random steps, each from a random tensor, mostly the latest."""
        for _ in range(self.random.randint(1, at_most)):
            step = self.random.choice(steps)
            x = self.tensors[-1] if self.one_of(True, True, False) else self.one_of(*self.tensors)
            self.tensors.append(step(self, x))


def enliven(model: keras.Model, seed: int) -> None:
    """Give every weight a random value: a zero bias or a variance of one hides mistakes.

    Kernels keep the numbers of one order; moving variances stay positive.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" not in weight.dtype:  # states of random number generators
            continue
        if weight.name == "moving_variance":
            value = rng.uniform(0.5, 1.5, weight.shape)
        else:
            fan_in = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 2
            value = rng.standard_normal(weight.shape) / np.sqrt(fan_in)
            value += weight.name == "gamma"
        weight.assign(value)


def classes(growth: Growth, x: Any) -> Any:
    """Return a head on a tensor: pooled or flattened, then dense."""
    rank = len(x.shape)
    if rank > 2:
        pooling = {3: layers.GlobalAveragePooling1D, 4: layers.GlobalAveragePooling2D}.get(rank)
        flat = growth.one_of(False, True) or pooling is None
        kind = layers.Flatten if flat else pooling
        x = kind(name=growth.name("head"))(x)
    return layers.Dense(3, name=growth.name("classes"))(x)
