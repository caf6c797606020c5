"""What a run exports, and on which images that is measured and judged."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tfprune.data import DataSet
from tfprune.exporting import DisagreementError, Exported, export, measure, quantised
from tfprune.exporting.comparing import EXACT
from tfprune.exporting.exported import size
from tfprune.files import remove
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding
from tfprune.training.identity import digest


@dataclass(frozen=True)
class Shipping:
    """What a run exports.

    Args:
        formats: names of formats.
        name: what the model is served as.
        representative: training images on which ranges of values are measured.
        tolerance: as for `tfprune.export`.
        min_agreement: as for `tfprune.export`.
    """

    formats: Sequence[str] = ("saved_model",)
    name: str | None = None
    representative: int = 300
    tolerance: float = EXACT
    min_agreement: float = 0.9


@dataclass(frozen=True)
class Shipped:
    """What was exported.

    Args:
        exported: paths and checks.
        accuracies: of the quantised formats, on the test split; None where there are no labels.
        not_kept: a line for each format that was not kept.
    """

    exported: Exported = field(default_factory=lambda: Exported({}, {}))
    accuracies: Mapping[str, float | None] = field(default_factory=dict)
    not_kept: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return sizes and checks by format as plain values."""
        return {
            name: {"bytes": size(path), **vars(self.exported.checks[name])}
            | ({"test_accuracy": self.accuracies[name]} if name in self.accuracies else {})
            for name, path in self.exported.items()
        }

    def gains(self, before: tuple[int, str], after: tuple[int, str]) -> str:
        """Return a table of what pruning and then storing integers have gained, "" without.

        Args:
            before: bytes of the original's file and its result on the test split, as text.
            after: likewise of the pruned model.

        Example:
            >>> from pathlib import Path
            >>> from tfprune.exporting import Check
            >>> exported = Exported({"tflite_int8": Path("none")},
            ...                     {"tflite_int8": Check(9, 0.01, 0.99)})
            >>> print(Shipped(exported, {"tflite_int8": 0.9}).gains((80, "92%"), (20, "91%")))
                                           bytes   test split   agreement
            original                          80          92%
            pruned                            20          91%
            pruned, tflite_int8                0       90.00%      99.00%
        """
        if not self.accuracies:
            return ""
        rows = [("", "bytes", "test split", "agreement")]
        rows += [
            (name, f"{count:,}", result, "")
            for name, (count, result) in (("original", before), ("pruned", after))
        ]
        for name, accuracy in self.accuracies.items():
            agreement = self.exported.checks[name].agreement
            figures = [f"{size(self.exported[name]):,}", _share(accuracy), _share(agreement)]
            rows.append((f"pruned, {name}", *figures))
        return "\n".join(f"{a:<22}{b:>14}{c:>13}{d:>12}".rstrip() for a, b, c, d in rows)


def ship(
    model: keras.Model,
    directory: str | os.PathLike,
    data: DataSet,
    feeding: Feeding,
    shipping: Shipping,
    metadata: Mapping[str, Any] | None = None,
) -> Shipped:
    """Export a run's model; a quantised file that disagrees is left out and told of.

    A run has cost hours when it comes here: what else it has left must not be lost with that file.

    Args:
        model: the model.
        directory: where to; what lies there is removed, an interrupted attempt of this run.
        data: the data set; its test split is looked at only after nothing is left to choose.
        feeding: how images become batches.
        shipping: what is exported.
        metadata: as for `tfprune.export`.

    Raises:
        PruningError: as `tfprune.export`.
    """
    remove(directory)
    given = {
        "preprocessing": feeding.preprocessing(data), "metadata": metadata, "name": shipping.name,
        "tolerance": shipping.tolerance,
    }  # fmt: skip
    need = quantised(shipping.formats)
    exact = [name for name in shipping.formats if name not in need]
    found = export(model, directory, formats=exact, **given) if exact else Exported({}, {})
    accuracies, not_kept = {}, []
    judges = judged_by(data, feeding, shipping.representative) if need else {}
    for name in need:
        try:
            own = export(
                model, directory, formats=[name], **judges, **given,
                min_agreement=shipping.min_agreement,
            )  # fmt: skip
        except DisagreementError as error:
            not_kept.append(str(error))
            continue
        found = Exported({**found, **own}, {**found.checks, **own.checks})
        accuracy = measure(own[name], name, model, feeding.plain(data.test)).accuracy
        accuracies[name] = accuracy and accuracy[1]
    return Shipped(found, accuracies, tuple(not_kept))


def judged_by(data: DataSet, feeding: Feeding, count: int) -> dict[str, Any]:
    """Return the images for `tfprune.export` with a format that stores integers.

    Args:
        data: the data set; the validation split judges, where there is none the test split.
        feeding: how images become batches.
        count: training images to measure ranges on, drawn once, not augmented.

    Example:
        >>> import tfprune.data
        >>> data = tfprune.data.load("digits")
        >>> sorted(judged_by(data, Feeding(), 100))
        ['inputs', 'representative']
    """
    held_out = data.test if data.validation is None else data.validation
    return {
        "representative": feeding.sample(data, count),
        "inputs": feeding.plain(held_out),
    }


def origin(plan: Plan, model: keras.Model, scores: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return what an exported model tells of its pruning, as `PruningReport.metadata` does.

    Args:
        plan: what was pruned.
        model: the unpruned model.
        scores: of each layer's channels; those of the one cut, empty where there were several.
    """
    return {
        "method": plan.method,
        "amount": plan.to_json()["amount"],
        "scores": digest([np.asarray(scores[name]) for name in sorted(scores)]),
        "original": digest(model.get_weights()),
    }


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"
