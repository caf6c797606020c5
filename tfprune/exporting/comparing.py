"""What was written against the model: how far the outputs differ, and which answers they give."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import keras
import numpy as np

from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.surgery import equality

EXACT = 1e-5  # of the output's scale: what rounding in another order makes of float32
_CLASSES = 2  # from so many numbers on, the largest of them is an answer

_Call = Callable[[list[np.ndarray]], list[np.ndarray]]


class DisagreementError(PruningError):
    """A quantised file answers too often otherwise than the model; it was not kept."""


@dataclass(frozen=True)
class Check:
    """How an exported file compares with the model.

    Args:
        samples: how many were compared.
        difference: the largest difference of an output, as a share of the output's largest value.
        agreement: share of the samples (or pixels) of which both say the same class, in [0, 1],
            the least over the outputs; None: no output has two or more numbers to choose from.
        accuracy: share of right answers of the model and of the file; None: without labels.

    Example:
        >>> Check(4, 1e-7, 1.0, None).agreement
        1.0
    """

    samples: int
    difference: float
    agreement: float | None = None
    accuracy: tuple[float, float] | None = None


@dataclass
class Output:
    """One output of both, over the batches seen so far."""

    name: str
    gap: equality.Gap = field(default_factory=equality.Gap)
    shapes: tuple = ((), ())
    same: int = 0
    answers: int = 0

    def see(self, wanted: np.ndarray, got: np.ndarray) -> None:
        """Take one batch's outputs in, float64 [B, ...] each."""
        (gap,) = equality.compare([wanted], [got])
        self.gap = self.gap.joined(gap)
        if self.shapes[0] != self.shapes[1]:
            return
        self.shapes = (wanted.shape, got.shape)
        if wanted.shape == got.shape and wanted.ndim > 1 and wanted.shape[-1] >= _CLASSES:
            same = wanted.argmax(-1) == got.argmax(-1)
            self.same, self.answers = self.same + int(same.sum()), self.answers + same.size

    @property
    def agreement(self) -> float | None:
        """Share of equal answers; None: there are none."""
        return self.same / self.answers if self.answers else None


@dataclass
class Differences:
    """All that was compared."""

    outputs: list[Output]
    samples: int = 0
    right: np.ndarray = field(default_factory=lambda: np.zeros(2, int))  # of the model, the file
    labelled: int = 0

    def check(self) -> Check:
        """Return it as a value."""
        agreements = [one.agreement for one in self.outputs if one.agreement is not None]
        return Check(
            samples=self.samples,
            difference=max(one.gap.relative for one in self.outputs),
            agreement=min(agreements, default=None),
            accuracy=tuple((self.right / self.labelled).tolist()) if self.labelled else None,
        )

    def _judge(self, labels: np.ndarray | None, outputs: tuple[list, list]) -> None:
        """Count right answers, where labels are classes and the outputs one vector a sample."""
        if labels is None or len(self.outputs) > 1:
            return
        labels, answers = np.asarray(labels), [own[0].argmax(-1) for own in outputs]
        if (
            labels.dtype.kind in "iu"
            and labels.ndim == 1
            and all(labels.shape == one.shape for one in answers)
        ):
            self.right += [int((one == labels).sum()) for one in answers]
            self.labelled += labels.size

    def see(self, labels: np.ndarray | None, wanted: list, got: list) -> None:
        """Take one batch in."""
        for output, one, other in zip(self.outputs, wanted, got, strict=True):
            output.see(one, other)
        self.samples += len(wanted[0])
        self._judge(labels, (wanted, got))


def compare(model: keras.Model, answer: _Call, batches: Iterable[_signature.Flat]) -> Differences:
    """Run both on batches, one after the other, so that no more than a batch is in memory.

    Args:
        model: the model.
        answer: what the file computes: flat inputs to flat outputs.
        batches: what to compare on.
    """
    seen = Differences([Output(name) for name in _signature.output_names(model)])
    for flat in batches:
        wanted = _signature.outputs(model, flat.inputs)
        seen.see(flat.labels, wanted, _signature.to_float64(answer(flat.inputs)))
    return seen


def require_equal(name: str, seen: Differences, tolerance: float) -> None:
    """Refuse outputs that differ.

    Args:
        name: of the format.
        seen: what was compared.
        tolerance: the largest accepted difference, as a share of the output's scale.

    Raises:
        PruningError: they differ, or prove nothing.
    """
    for one in seen.outputs:
        _require_scale(name, one)
        if not one.gap.relative <= tolerance:
            wanted, got = one.shapes
            raise PruningError(
                f"Format {name!r} was removed again: its output {one.name!r} differs from the "
                f"model's. Expected shape {wanted} and a difference of at most {tolerance:g} of "
                f"the output's scale {one.gap.magnitude:g}; received shape {got} and "
                f"{one.gap.relative:g}. Another format may hold this model, or a larger "
                "tolerance= lets it pass."
            )


def require_agreement(name: str, seen: Differences, bound: float, tolerance: float) -> None:
    """Refuse a quantised file that answers too often otherwise than the model.

    Args:
        name: of the format.
        seen: what was compared.
        bound: the least share of equal answers.
        tolerance: the largest accepted difference of outputs that hold no answer.

    Raises:
        DisagreementError: it does.
        PruningError: outputs without answers differ, or prove nothing.
    """
    for one in seen.outputs:
        _require_scale(name, one)
        if one.agreement is not None and one.agreement < bound:
            raise DisagreementError(
                f"Format {name!r} was removed again: of {one.answers} answers of the output "
                f"{one.name!r} {one.agreement:.2%} are the model's. Expected at least {bound:.2%}. "
                "Give more representative data, train the model for quantisation, choose a format "
                "with float activations such as 'tflite_dynamic_range', or accept it by a smaller "
                "min_agreement=."
            )
    silent = [one for one in seen.outputs if one.agreement is None]
    require_equal(name, Differences(silent), tolerance)


def _require_scale(name: str, one: Output) -> None:
    scale = one.gap.magnitude
    if not np.isfinite(scale) or scale == 0:
        raise PruningError(
            f"Format {name!r} cannot be checked: the model's output {one.name!r} has the largest "
            f"value {scale} on the inputs compared. Expected finite values that are not all "
            "zero; pass inputs= that resemble real ones."
        )
