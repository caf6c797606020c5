"""What was pruned, and the proof: printed, saved, loaded, and applied again without data."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tfprune import texts
from tfprune.errors import PruningError
from tfprune.graph.analysis import analyse
from tfprune.pruning.report_file import PLAIN, read_report, write_report
from tfprune.reconstruction.report import Reconstruction
from tfprune.scoring.scores import Scores
from tfprune.selection.request import AMOUNTS
from tfprune.surgery.rebuilding import rebuild
from tfprune.surgery.verification import Verification, verify
from tfprune.training.identity import digest


@dataclass(frozen=True, repr=False)
class PruningReport:
    """What was pruned, and the proof.

    Args:
        method: name of the method.
        keep: {layer name: bool [C], True = kept}.
        scores: what the channels were ranked by.
        verification: the comparison with the masked original.
        params: weights before and after.
        seconds: {stage: wall time}.
        observations: what is worth knowing about the choice, e.g. where a guard of the method held.
        reconstruction: what solving the kernels anew did; None: it was not asked for.
        settings: the options of the call that chose.
        original: fingerprint of the unpruned model's weights; "": not taken.
    """

    method: str
    keep: Mapping[str, np.ndarray]
    scores: Scores
    verification: Verification
    params: tuple[int, int]
    seconds: Mapping[str, float]
    observations: tuple[str, ...] = ()
    reconstruction: Reconstruction | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    original: str = ""

    def __repr__(self) -> str:
        return f"<PruningReport of {self._summary()}>"

    def __str__(self) -> str:
        times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in self.seconds.items())
        solved = [] if self.reconstruction is None else [str(self.reconstruction)]
        lines = [self._summary(), *self.observations, str(self.verification), *solved, times]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [[name, int(np.sum(mask)), len(mask)] for name, mask in self.keep.items()]
        return texts.table(self._summary(), ["layer", "kept", "channels"], rows)

    def _summary(self) -> str:
        kept = sum(int(mask.sum()) for mask in self.keep.values())
        total = sum(len(mask) for mask in self.keep.values())
        before, after = self.params
        return (
            f"{self.method}: {kept} of {total} channels kept, parameters {before:,} -> {after:,} "
            f"({after / before:.1%})"
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write masks, a score per channel, settings, proof, versions and fingerprint to one file.

        What a reconstruction changed lies in the weights of the smaller model, not in here.

        Args:
            path: the file, `.npz`.

        Example:
            >>> import keras, tempfile, tfprune
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"),
            ...                           keras.layers.Dense(2)])
            >>> _, report = tfprune.prune(model, ratio=0.5)
            >>> path = tempfile.mkdtemp() + "/pruning.npz"
            >>> report.save(path)
            >>> small, _ = tfprune.PruningReport.load(path).apply(model)
            >>> small.get_layer("a").units
            4
        """
        values = {name: getattr(self, name) for name in PLAIN}
        write_report(path, values, self.keep, self.scores, self.verification)

    def metadata(self) -> dict[str, Any]:
        """Return what an exported model tells of its pruning, as `tfprune.export` takes it.

        That is the method, the amount, and fingerprints of the scores and of the original.

        Example:
            >>> import keras, tfprune
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="a"),
            ...                           keras.layers.Dense(2)])
            >>> _, report = tfprune.prune(model, ratio=0.5)
            >>> report.metadata()["amount"]
            {'ratio': 0.5}
        """
        scores = self.scores.by_channel()
        return {
            "method": self.method,
            "amount": {name: x for name, x in self.settings.items() if name in AMOUNTS},
            "scores": digest([scores[name] for name in sorted(scores)]),
            "original": self.original,
        }

    @classmethod
    def load(cls, path: str | os.PathLike) -> "PruningReport":
        """Read a report that `save` has written; no code is run from the file.

        Args:
            path: the file.

        Raises:
            PruningError: there is no such file, or it is damaged, or it is not a report.
        """
        return cls(**read_report(path))

    def apply(
        self, model: keras.Model, *, other_weights: bool = False
    ) -> tuple[keras.Model, "PruningReport"]:
        """Prune the same model elsewhere as this report says, without data.

        Args:
            model: the unpruned model; it is not changed.
            other_weights: also take a model of the same layers that was trained otherwise.

        Returns:
            The smaller model, verified, and this report with the proof of this time.

        Raises:
            PruningError: the weights are not those that were scored, a layer is missing or has
                another number of channels, and as `rebuild` and `verify`.
        """
        found = digest(model.get_weights())
        if self.original and found != self.original and not other_weights:
            raise PruningError(
                f"apply: the weights of model {model.name!r} are not those that this report was "
                f"made from: expected the fingerprint {self.original}, received {found}. Pass the "
                "original, or other_weights=True to remove the same channels regardless."
            )
        graph = analyse(model, allow_inexact=bool(self.settings.get("allow_inexact", False)))
        small = rebuild(graph, self.keep)
        params = (model.count_params(), small.count_params())
        known = {name: getattr(self, name) for name in ("method", "keep", "scores", "observations")}
        return small, PruningReport(
            **known, verification=verify(graph, self.keep, small), params=params, seconds={},
            settings=self.settings, original=found,
        )  # fmt: skip
