"""Move all weights of a pruned model together towards the original's outputs, without labels."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune.distribution import workers
from tfprune.distribution.strategies import outside
from tfprune.errors import PruningError
from tfprune.passes.keeping import Steps
from tfprune.reconstruction.fitting import HELD

_BATCH = 64
_RATE = 5e-4  # of Adam, falling to nothing as a cosine: the start is good already
_PART = 256  # samples at a time where nothing is learnt


def moved_together(
    working: keras.Model,
    model: keras.Model,
    portions: Sequence[Sequence[tf.Tensor]],
    wanted: Sequence[Sequence[np.ndarray]],
    *,
    passes: int,
    seed: int,
    watch: Callable[[], None],
    kept: Steps,
) -> list[float]:
    """Give a pruned model the weights that all of them together find.

    Args:
        working: a copy of the pruned model, no half precision, to move.
        model: the pruned model; its weights are changed.
        portions: the samples, each portion a flat list of the model's inputs.
        wanted: the original's outputs on each portion.
        passes: how often the samples are gone over.
        seed: of their order.
        watch: told after each pass.
        kept: keeps what each pass leaves.

    Returns:
        The error on the samples held out before the first pass and after each.

    Raises:
        PruningError: the model takes batches of one size only.
    """
    if working.inputs[0].shape[0] is not None:
        raise PruningError(
            f"reconstruct: passes={passes} wants batches of any size, but model "
            f"{model.name!r} takes {working.inputs[0].shape[0]} samples at a time. Leave "
            "passes out."
        )
    goals = [np.concatenate(parts) for parts in zip(*wanted, strict=True)]
    held = np.arange(len(goals[0])) % HELD == HELD - 1
    assign_all(working, model)
    found = Together(working, portions, goals, held).run(passes, seed, watch, kept)
    assign_all(model, working)
    return found


def assign_all(model: keras.Model, source: keras.Model) -> None:
    """Give a model the values of another one's variables, in its own dtypes."""
    for new, old in zip(model.variables, source.variables, strict=True):
        new.assign(keras.ops.cast(old.value, new.dtype))


def _optimizer(steps: int, variables: Sequence[keras.Variable]) -> keras.optimizers.Optimizer:
    rate = keras.optimizers.schedules.CosineDecay(_RATE, max(1, steps))
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(variables)
    return optimizer


class Together:
    """Nonlinear least squares over all weights of a model, by gradient steps on the samples.

    Solving layer by layer leaves what no single layer can mend. The squared difference of the
    outputs from the original's, each output over its spread, is what all weights lessen here.
    BatchNorm's statistics stay as they are: the moments fit already. Of several workers the chief
    alone looks at the samples and moves the weights; the others take them over after each pass.

    Args:
        model: the pruned model; its weights are changed. No half precision.
        portions: the samples, each portion a flat list of the model's inputs, [N, ...] each.
        wanted: the original's outputs on them, [N, ...] each.
        held: bool [N], samples that are held out to judge by.
    """

    def __init__(
        self,
        model: keras.Model,
        portions: Sequence[Sequence[tf.Tensor]],
        wanted: Sequence[np.ndarray],
        held: np.ndarray,
    ):
        model.trainable = True
        self.model, self._portions = model, portions
        spread = [float(np.var(y - y.mean(axis=0), dtype=np.float64)) or 1.0 for y in wanted]
        self.wanted = [
            tf.constant(y / s**0.5, y.dtype) for y, s in zip(wanted, spread, strict=True)
        ]
        self.scales = [1 / s**0.5 for s in spread]
        every = np.arange(len(held))
        self.fitted, self.held = (every[~held], every[held]) if held.any() else (every, every)

    def run(self, passes: int, seed: int, watch: Callable[[], None], kept: Steps) -> list[float]:
        """Go over the samples; leave the weights of the pass that is best on those held out.

        Args:
            passes: how often.
            seed: of the order of the samples.
            watch: told after each pass.
            kept: keeps what each pass leaves.

        Returns:
            The error on the samples held out before the first pass and after each.
        """
        variables = self.model.trainable_variables
        optimizer = outside(lambda: _optimizer(passes * -(-len(self.fitted) // _BATCH), variables))
        learn = tf.function(self._step, reduce_retracing=True)
        errors, best = (
            [workers.from_chief(self._error)],
            [variable.numpy() for variable in variables],
        )
        state = [*variables, *optimizer.variables]

        def one(number: int) -> list[np.ndarray]:
            order = np.random.default_rng([seed, number]).permutation(self.fitted)
            for first in range(0, len(order), _BATCH):
                optimizer.apply(learn(*self._samples(order[first : first + _BATCH])), variables)
            return [np.array(self._error()), *(x.numpy() for x in state)]

        def found(number: int) -> dict[str, np.ndarray]:
            values = workers.agreed(lambda: outside(partial(one, number)))
            return {str(place): value for place, value in enumerate(values)}

        for number in range(passes):
            error, *values = kept.result(partial(found, number)).values()
            for variable, value in zip(state, values, strict=True):
                variable.assign(value)
            errors.append(float(error))
            if errors[-1] <= min(errors):
                best = values[: len(variables)]
            watch()
        for variable, value in zip(variables, best, strict=True):
            variable.assign(value)
        return errors

    @cached_property
    def _inputs(self) -> list[tf.Tensor]:
        """All samples, read when they are looked at first: on the chief."""
        return [tf.concat(parts, axis=0) for parts in zip(*self._portions, strict=True)]

    def _samples(self, places: np.ndarray) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return [tf.gather(x, places) for x in self._inputs], [tf.gather(y, places)
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
