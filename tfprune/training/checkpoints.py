"""Checkpoints from which a killed training goes on as if nothing had happened."""

import dataclasses
import io
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfprune import files
from tfprune.distribution import workers
from tfprune.errors import PruningError
from tfprune.files import claim

_SETTINGS = "run.json"
_ARRAY = "array, by its place"


@dataclasses.dataclass
class Progress:
    """How far a training has come.

    Args:
        epochs: how many are finished.
        part: of an epoch that was stopped on the way: its "steps" that are done, their "sums" and
            the learning "rate" that it began with; empty between epochs.
        metrics: one value per finished epoch, by name.
        stopped: whether a callback has ended it.
        best_epoch: the best so far by the validation split, from 0; None: none yet.
        best: the model's state after that epoch.
        callbacks: what they remember, by `tfprune.training.callback_states`.
    """

    epochs: int = 0
    part: dict[str, Any] = dataclasses.field(default_factory=dict)
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
        self._manager, self._number = None, 0
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
        # Every worker must take part in saving, but only one may write the folder.
        own = directory if chief else directory / f"worker-{workers.number()}"
        found = _newest_first(directory)
        # Two, so that one that a fault of the disk has spoilt leaves the one before.
        self._manager = tf.train.CheckpointManager(checkpoint, str(own), max_to_keep=2)
        self._number = _restore(checkpoint, found)

    def save(self) -> None:
        """Save the state of now; a reader sees the old or the new one, never half."""
        if self._manager is not None:
            self._number = max(self.progress.epochs, self._number + 1)
            with files.explaining(self._manager.directory, "written"):
                self._manager.save(checkpoint_number=self._number)


def _restore(checkpoint: tf.train.Checkpoint, newest_first: Sequence[str]) -> int:
    """Go on from the last checkpoint that can be read, and return its number, 0 for none."""
    refused: list[str] = []
    for path in newest_first:
        try:
            checkpoint.restore(path).assert_consumed()
        except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
            refused.append(f"{path} cannot be read: {type(error).__name__}: {error}")
            continue
        for reason in refused:
            warnings.warn(
                f"The checkpoint {reason}. The training goes on from the one before, {path}.",
                stacklevel=4,
            )
        return _number_of(path)
    if refused:
        raise PruningError(
            f"The checkpoint {refused[0]}. It is damaged or was written by another version, and "
            "so is the one before, if there is one; remove its folder to start the training anew."
        )
    return 0


def _newest_first(directory: Path) -> list[str]:
    """Return the checkpoints that TensorFlow's list in the folder names and that are there.

    Where that list is spoilt it is made anew.
    """
    found = [str(path.with_suffix("")) for path in directory.glob("ckpt-*.index")]
    found.sort(key=_number_of, reverse=True)
    try:
        known = tf.train.get_checkpoint_state(str(directory))
    except ValueError:
        (directory / "checkpoint").unlink()
        known = None
    if known is None:
        if found and workers.is_chief():
            every = [f"all_model_checkpoint_paths: {Path(path).name!r}\n" for path in found[::-1]]
            last = f"model_checkpoint_path: {Path(found[0]).name!r}\n"
            files.write_text(directory / "checkpoint", "".join([last, *every]))
        return found
    return [path for path in found if path in known.all_model_checkpoint_paths]


def _number_of(path: str) -> int:
    return int(path.rpartition("-")[2])
