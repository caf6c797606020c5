"""How near a candidate's outputs are to the original's, computed once for the same masks."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfprune import files
from tfprune.errors import PruningError
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.keras_private import functional
from tfprune.reconstruction.fitting import HELD
from tfprune.reconstruction.reconstructing import reconstruct
from tfprune.surgery.rebuilding import rebuild
from tfprune.training.identity import digest
from tfprune.training.recalibration import recalibrate, require_statistics

JUDGES = ("batchnorm", "reconstruct")
_BATCH = 32


class Judging:
    """Rebuilds candidates and compares their outputs with the original's.

    Args:
        graph: channel graph of the original.
        portions: samples, each portion a flat list of the model's inputs; every fifth sample
            judges, the others make the new statistics or kernels.
        judge: one of `JUDGES`.
        seed: of the positions that are drawn.

    Raises:
        PruningError: too few samples, or no batch normalisation for new statistics.
    """

    def __init__(
        self, graph: ChannelGraph, portions: Sequence[Sequence[tf.Tensor]], judge: str, seed: int
    ):
        if judge == "batchnorm":
            require_statistics(graph.model)
        self.graph, self.judge, self.seed = graph, judge, seed
        whole = [np.concatenate([np.asarray(x) for x in parts])
                 for parts in zip(*portions, strict=True)]  # fmt: skip
        held = np.arange(len(whole[0])) % HELD == HELD - 1
        if not held.any():
            raise PruningError(
                f"search: expected {HELD} samples at least, received {len(held)}: every "
                f"{HELD}th one judges, the others make the new weights."
            )
        self.fitting = self._packed([x[~held] for x in whole])
        self.held = [x[held] for x in whole]
        self.wanted = self._outputs(graph.model)
        self.identity = digest([*graph.model.get_weights(), *whole]) + f" {judge} {seed}"

    def harm(self, keep: Mapping[str, np.ndarray]) -> float:
        """Return the squared change of the outputs as a share of their variance, in the mean."""
        small = rebuild(self.graph, keep)
        if self.judge == "batchnorm":
            small = recalibrate(small, self.fitting)
        else:
            small, _ = reconstruct(self.graph, keep, small, self.fitting, seed=self.seed)
        pairs = zip(self._outputs(small), self.wanted, strict=True)
        return float(np.mean([((a - b) ** 2).mean() / (b.var(axis=0).mean() or 1.0)
                              for a, b in pairs]))  # fmt: skip

    def _packed(self, inputs: list[np.ndarray]) -> object:
        return keras.tree.pack_sequence_as(functional(self.graph.model).input, inputs)

    def _outputs(self, model: keras.Model) -> list[np.ndarray]:
        """Return the outputs on the samples held out, each float64 [samples, ...]."""
        # Not by `predict`: it would trace each candidate first, which takes longer than the calls.
        found = [
            keras.tree.flatten(
                model(self._packed([x[first : first + _BATCH] for x in self.held]), training=False)
            )
            for first in range(0, len(self.held[0]), _BATCH)
        ]
        return [
            np.concatenate([np.asarray(y, np.float64) for y in parts])
            for parts in zip(*found, strict=True)
        ]


class Judgements:
    """What was judged already, in a file where one is named.

    Args:
        path: a JSON file; None: in memory alone.
        identity: of the model, the samples and the judge.

    Raises:
        PruningError: the file is damaged, or of another search.
    """

    def __init__(self, path: str | os.PathLike | None, identity: str):
        self.path, self.identity, self.harms = path, identity, {}
        if path is None or not Path(path).exists():
            return
        found = files.read_json(path, "Remove it, or name another file.")
        if found.get("search") != identity or not isinstance(found.get("harms"), dict):
            raise PruningError(
                f"{path}: expected what a search of this model, these samples and this judge left, "
                "received another file. Remove it, or name another one."
            )
        self.harms = found["harms"]

    def __contains__(self, keep: Mapping[str, np.ndarray]) -> bool:
        return key_of(keep) in self.harms

    def harm(self, keep: Mapping[str, np.ndarray], judging: Judging) -> float:
        """Return the harm of masks, judged now unless they were before."""
        if keep not in self:
            self.harms[key_of(keep)] = judging.harm(keep)
            if self.path is not None:
                files.write_json(self.path, {"search": self.identity, "harms": self.harms})
        return self.harms[key_of(keep)]


def key_of(keep: Mapping[str, np.ndarray]) -> str:
    """Return what tells masks from others."""
    return digest([keep[name] for name in sorted(keep)])
