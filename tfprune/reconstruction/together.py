"""Move all weights of a pruned model together towards the original's outputs, without labels."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.reconstruction.fitting import HELD
from tfprune.surgery.builder import Builder, float32_if_half

_BATCH = 64
_RATE = 5e-4  # of Adam, falling to nothing as a cosine: the start is good already
_PART = 256  # samples at a time where nothing is learnt


def moved_together(
    graph: ChannelGraph,
    kept: np.ndarray,
    model: keras.Model,
    portions: Sequence[Sequence[tf.Tensor]],
    wanted: Sequence[Sequence[np.ndarray]],
    *,
    passes: int,
    seed: int,
    watch: Callable[[], None],
) -> list[float]:
    """Give a pruned model the weights that all of them together find.

    Args:
        graph: channel graph of the original.
        kept: which ids stay, bool [ids].
        model: the pruned model; its weights are changed.
        portions: the samples, each portion a flat list of the model's inputs.
        wanted: the original's outputs on each portion.
        passes: how often the samples are gone over.
        seed: of their order.
        watch: told after each pass.

    Returns:
        The error on the samples held out before the first pass and after each.

    Raises:
        PruningError: the model takes batches of one size only.
    """
    if graph.model.inputs[0].shape[0] is not None:
        raise PruningError(
            f"reconstruct: passes={passes} wants batches of any size, but model "
            f"{graph.model.name!r} takes {graph.model.inputs[0].shape[0]} samples at a time. Leave "
            "passes out."
        )
    inputs = [tf.concat(parts, axis=0) for parts in zip(*portions, strict=True)]
    goals = [np.concatenate(parts) for parts in zip(*wanted, strict=True)]
    count = len(goals[0])
    held = np.arange(count) % HELD == HELD - 1
    working = Builder(graph, kept, float32_if_half(graph.model)).build()
    assign_all(working, model)
    found = Together(working, inputs, goals, held).run(passes, np.random.default_rng(seed), watch)
    assign_all(model, working)
    return found


def assign_all(model: keras.Model, source: keras.Model) -> None:
    """Give a model the values of another one's variables, in its own dtypes."""
    for new, old in zip(model.variables, source.variables, strict=True):
        new.assign(keras.ops.cast(old.value, new.dtype))


class Together:
    """Nonlinear least squares over all weights of a model, by gradient steps on the samples.

    Solving layer by layer leaves what no single layer can mend. The squared difference of the
    outputs from the original's, each output over its spread, is what all weights lessen here.
    BatchNorm's statistics stay as they are: the moments fit already.

    Args:
        model: the pruned model; its weights are changed. No half precision.
        inputs: samples, a flat list of the model's inputs, [N, ...] each.
        wanted: the original's outputs on them, [N, ...] each.
        held: bool [N], samples that are held out to judge by.
    """

    def __init__(
        self,
        model: keras.Model,
        inputs: Sequence[tf.Tensor],
        wanted: Sequence[np.ndarray],
        held: np.ndarray,
    ):
        model.trainable = True
        self.model, self.inputs = model, inputs
        spread = [float(np.var(y - y.mean(axis=0), dtype=np.float64)) or 1.0 for y in wanted]
        self.wanted = [
            tf.constant(y / s**0.5, y.dtype) for y, s in zip(wanted, spread, strict=True)
        ]
        self.scales = [1 / s**0.5 for s in spread]
        every = np.arange(len(held))
        self.fitted, self.held = (every[~held], every[held]) if held.any() else (every, every)

    def run(self, passes: int, rng: np.random.Generator, watch: Callable[[], None]) -> list[float]:
        """Go over the samples; leave the weights of the pass that is best on those held out.

        Args:
            passes: how often.
            rng: of the order of the samples.
            watch: told after each pass.

        Returns:
            The error on the samples held out before the first pass and after each.
        """
        steps = passes * -(-len(self.fitted) // _BATCH)
        rate = keras.optimizers.schedules.CosineDecay(_RATE, max(1, steps))
        optimizer = keras.optimizers.Adam(rate)
        variables = self.model.trainable_variables
        optimizer.build(variables)
        learn = tf.function(self._step, reduce_retracing=True)
        errors, best = [self._error()], [variable.numpy() for variable in variables]
        for _ in range(passes):
            order = rng.permutation(self.fitted)
            for first in range(0, len(order), _BATCH):
                optimizer.apply(learn(*self._samples(order[first : first + _BATCH])), variables)
            errors.append(self._error())
            if errors[-1] <= min(errors):
                best = [variable.numpy() for variable in variables]
            watch()
        for variable, value in zip(variables, best, strict=True):
            variable.assign(value)
        return errors

    def _samples(self, places: np.ndarray) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return [tf.gather(x, places) for x in self.inputs], [tf.gather(y, places)
                                                             for y in self.wanted]  # fmt: skip

    def _step(self, inputs: list[tf.Tensor], wanted: list[tf.Tensor]) -> list[Any]:
        with tf.GradientTape() as tape:
            loss = self._loss(inputs, wanted)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        pairs = zip(gradients, self.model.trainable_variables, strict=True)
        return [tf.zeros_like(v) if g is None else tf.convert_to_tensor(g) for g, v in pairs]

    def _loss(self, inputs: list[tf.Tensor], wanted: list[tf.Tensor]) -> tf.Tensor:
        packed = keras.tree.pack_sequence_as(self.model.input, list(inputs))
        found = keras.tree.flatten(self.model(packed, training=False))
        return tf.add_n(
            [
                tf.reduce_mean(tf.square(y * scale - goal))
                for y, scale, goal in zip(found, self.scales, wanted, strict=True)
            ]
        )

    def _error(self) -> float:
        parts = [self.held[i : i + _PART] for i in range(0, len(self.held), _PART)]
        total = sum(float(self._loss(*self._samples(part))) * len(part) for part in parts)
        return total / len(self.held) / len(self.wanted)
