"""Train on a data set and leave everything about it in the run's folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from tfprune.data import DataSet, Epochs, Preprocessing, Split
from tfprune.files import make_folder
from tfprune.runs.metrics_file import MetricsFile
from tfprune.training import History, Recipe, fine_tune


@dataclass(frozen=True)
class Feeding:
    """How images become batches.

    Args:
        batch_size: images per step.
        augment: name of an augmentation for training; None: what suits the data set.
        normalisation: name of a normalisation; None: the data set's own.
        seed: of the order, the augmentation and the choice of a sample.

    Example:
        >>> import tfprune.data
        >>> digits = tfprune.data.load("digits")
        >>> len(Feeding(batch_size=60).plain(digits.test))
        6
    """

    batch_size: int = 128
    augment: str | None = None
    normalisation: str | None = None
    seed: int = 0

    def training(self, data: DataSet) -> Epochs:
        """Return the shuffled, augmented batches of the training split."""
        augment = data.augment if self.augment is None else self.augment
        return data.train.epochs(
            self.batch_size,
            shuffle=True,
            augment=augment,
            normalisation=self.normalisation,
            seed=self.seed,
        )

    def preprocessing(self, data: DataSet) -> Preprocessing:
        """Return what a model of this data set must be fed with, and its classes' names."""
        return Preprocessing.of(data, self.normalisation)

    def record(self, data: DataSet) -> dict[str, str]:
        """Return what a model must be fed with: the names of the data set and normalisation."""
        name = data.train.normalisation if self.normalisation is None else self.normalisation
        return {"data": data.name, "normalisation": name}

    def trained_on(self, data: DataSet) -> dict[str, str]:
        """Return `record`, and the fingerprint of the images that the weights are fitted to."""
        return {**self.record(data), "training_images": data.train.fingerprint}

    def sample(self, data: DataSet, count: int, batch_size: int | None = None) -> Epochs:
        """Return batches of `count` training images drawn once, as they are; 0: of all.

        Args:
            data: the data set.
            count: how many images; those of them that cannot be read are left out.
            batch_size: images per batch; None: as for training.
        """
        size = batch_size or self.batch_size
        return data.train.epochs(
            min(size, count or size),
            shuffle=True,
            normalisation=self.normalisation,
            seed=self.seed,
            limit=count or None,
        )

    def plain(self, split: Split) -> Epochs:
        """Return the batches of a split as they are, in order."""
        return split.epochs(self.batch_size, normalisation=self.normalisation)


def train_recorded(
    model: keras.Model,
    data: DataSet,
    folder: str | os.PathLike,
    *,
    feeding: Feeding,
    recipe: Recipe | None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> tuple[keras.Model, History]:
    """Train a copy of a model; the validation split chooses the epoch.

    Leaves in the folder: `metrics.csv`, `tensorboard/`, and `checkpoints/` from which an
    interrupted training goes on.

    Args:
        model: the model to start from.
        data: the data set; its test split is not touched.
        folder: the run's folder.
        feeding: how images become batches.
        recipe: the settings; with None nothing is trained, and no files are left.
        callbacks: further Keras callbacks.
        verbose: 0, or 1 for a progress bar, or 2 for a line per epoch.

    Returns:
        The trained model and its history.

    Raises:
        PruningError: as `tfprune.fine_tune`.
    """
    if recipe is None:
        return model, History({}, None)
    folder = Path(folder)
    make_folder(folder / "tensorboard")  # Keras' callback would only say so after an epoch
    held_out = None if data.validation is None else feeding.plain(data.validation)
    return fine_tune(
        model,
        feeding.training(data),
        validation=held_out,
        callbacks=[
            MetricsFile(folder / "metrics.csv"),
            keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False),
            *callbacks,
        ],
        checkpoint_dir=folder / "checkpoints",
        verbose=verbose,
        recipe=recipe,
    )
