"""What every schedule says about itself, and what a run offers to it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import keras
import numpy as np

from tfprune.surgery.verification import Verification

Masks = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Schedule:
    """What a schedule is, beside how it goes.

    Args:
        settings: {keyword of its `run`: its default}.
        trains: whether there is training between its cuts.
        scores_once: whether it scores no model but the one that it is given.
        ends_trained: whether a training follows its last cut, so that BatchNormalization's
            statistics are those of the smaller model.
        clip_norm: norm to which the training between its cuts shortens gradients unless it is
            told otherwise; None: any.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    trains: bool = True
    scores_once: bool = False
    ends_trained: bool = False
    clip_norm: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A pruned model before its final training.

    Args:
        model: the smaller model.
        text: the proof, and what is worth knowing about the choice.
        seconds: {stage: wall time}, as the attempt measured it that made the cut.
        proofs: {cut: the comparison with the masked original}.
        observations: what is worth knowing about the choice, a sentence each.
        scores: {layer: a number per channel of the unpruned model}, by which it was chosen; empty
            where an interrupted run has not left them.
    """

    model: keras.Model
    text: str
    seconds: Mapping[str, float]
    proofs: Mapping[str, Verification]
    observations: Sequence[str] = ()
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def verification(self) -> dict[str, dict[str, Any]]:
        """Return the proofs as plain values: {cut: {what was compared: its value}}."""
        values = {
            cut: {**asdict(proof), "exact": proof.exact} for cut, proof in self.proofs.items()
        }
        return json.loads(json.dumps(values, default=float))  # numpy's numbers as Python's


class Stages(Protocol):
    """What a run offers to its schedule: each step is kept, and not done again after a stop."""

    model: keras.Model
    method: str
    options: Mapping[str, Any]
    inexact: bool

    def sample(self) -> Any:
        """Return what the criterion scores on, None for nothing."""

    def cut(self, model: keras.Model) -> Outcome:
        """Prune a model in one call, or as an interrupted run has pruned it."""

    def masks(self) -> Masks:
        """Return the run's keep masks, in terms of the unpruned model."""

    def keep(self, masks: Masks) -> None:
        """Write the run's keep masks."""

    def recall(self, name: str, choose: Callable[[], Masks]) -> Masks:
        """Return a step's keep masks, as an interrupted run chose them or else from `choose()`."""

    def train(
        self,
        model: keras.Model,
        name: str,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        rate: Callable[[keras.Model], float] | None = None,
    ) -> keras.Model:
        """Return the trained model of a stage, as an interrupted run trained it or else now.

        Args:
            model: the model to train.
            name: of the stage.
            callbacks: Keras callbacks.
            rate: what the learning rate is for a model, constant through the stage, 0 for no
                training; None: as the recipe says.
        """

    def accuracy(self, model: keras.Model) -> float:
        """Return the accuracy on the training split, in [0, 1]."""
