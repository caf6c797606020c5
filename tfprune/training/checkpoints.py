"""Checkpoints from which a killed training goes on as if nothing had happened."""

import dataclasses
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune import files, workers
from tfprune.claims import claim
from tfprune.errors import PruningError

_SETTINGS = "run.json"
_ARRAY = "array, by its place"


@dataclasses.dataclass
class Progress:
    """How far a training has come.

    Args:
        epochs: how many are finished.
        metrics: one value per finished epoch, by name.
        stopped: whether a callback has ended it.
        best_epoch: the best so far by the validation split, from 0; None: none yet.
        best: the model's state after that epoch.
        callbacks: what they remember, by `tfprune.training.callback_states`.
    """

    epochs: int = 0
    metrics: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    stopped: bool = False
    best_epoch: int | None = None
    best: list[np.ndarray] = dataclasses.field(default_factory=list)
    callbacks: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


class _ProgressState(tf.train.experimental.PythonState):
    """Keeps the progress inside the checkpoint, so that both are of the same moment."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def serialize(self) -> bytes:
        arrays: list[np.ndarray] = []
        plain = _without_arrays(vars(self.progress), arrays)
        stream = io.BytesIO()
        named = {f"array_{place}": array for place, array in enumerate(arrays)}
        np.savez(stream, progress=np.array(json.dumps(plain)), **named)
        return stream.getvalue()

    def deserialize(self, string_value: bytes) -> None:
        with np.load(io.BytesIO(string_value), allow_pickle=False) as found:
            plain = json.loads(str(found["progress"]))
            vars(self.progress).update(_with_arrays(plain, found))


def _without_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a nest as JSON takes it: arrays are put aside, and their places written instead."""
    if isinstance(value, dict):
        return {name: _without_arrays(own, arrays) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(own, arrays) for own in value]
    if isinstance(value, np.ndarray) and value.ndim:
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    return value.item() if isinstance(value, (np.ndarray, np.generic)) else value


def _with_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what `_without_arrays` was given."""
    if isinstance(value, list):
        return [_with_arrays(own, arrays) for own in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return arrays[f"array_{value[_ARRAY]}"]
    return {name: _with_arrays(own, arrays) for name, own in value.items()}


class Checkpoints:
    """The checkpoints of one training in one folder; without a folder it keeps none.

    Args:
        directory: the folder, or None.
        settings: what the training's outcome depends on, as plain values by name.
        model: with its built optimizer.

    Raises:
        PruningError: the folder belongs to another training, or to something else.
    """

    def __init__(
        self, directory: str | os.PathLike | None, settings: dict, model: keras.Model
    ) -> None:
        self.progress = Progress()
        self._manager = None
        if directory is None:
            return
        directory = Path(directory)
        chief = workers.is_chief()
        # Another worker of this very training may already have made its own folder.
        claim(
            directory, settings, name=_SETTINGS, what="training", write=chief, others=["worker-*"]
        )
        # By position and not by name: names may collide inside nested models.
        checkpoint = tf.train.Checkpoint(
            model=[variable.value for variable in model.variables],
            optimizer=[variable.value for variable in model.optimizer.variables],
            progress=_ProgressState(self.progress),
        )
        latest = tf.train.latest_checkpoint(str(directory))
        # Every worker must take part in saving, but only one may write the folder.
        own = directory if chief else directory / f"worker-{workers.number()}"
        self._manager = tf.train.CheckpointManager(checkpoint, str(own), max_to_keep=1)
        if latest is not None:
            _restore(checkpoint, latest)

    def save(self) -> None:
        """Save the state after an epoch; a reader sees the old or the new one, never half."""
        if self._manager is not None:
            with files.told(self._manager.directory, "written"):
                self._manager.save(checkpoint_number=self.progress.epochs)


def _restore(checkpoint: tf.train.Checkpoint, path: str) -> None:
    try:
        checkpoint.restore(path).assert_consumed()
    except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
        raise PruningError(
            f"The checkpoint {path} cannot be read: {type(error).__name__}: {error}. It is damaged "
            "or was written by another version; remove its folder to start the training anew."
        ) from error
