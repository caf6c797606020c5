"""What the grid works on: networks, and the images that a draw gives to all methods."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

import models
import tfprune.data
from tfprune import weights
from tfprune.data import preprocessing
from tfprune.data.preprocessing import Preprocessing
from tfprune.data.statistics import Statistics, imagenet_statistics

# Akamaster's networks: {name in models: file of the weights}.
PUBLISHED = {
    "resnet20_a": "resnet20.th",
    "resnet32_a": "resnet32.th",
    "resnet44_a": "resnet44.th",
    "resnet56_a": "resnet56.th",
}
# Trained here by train.py: a run's folder each, under the name of its network.
TRAINED = Path(__file__).parents[1] / "baselines"
PARTS = 5  # of the test split; a cheap stage's draw is measured on one of them


def published(name: str, folder: Path) -> keras.Model:
    """Return a network with its published weights.

    Args:
        name: a key of `PUBLISHED`.
        folder: where the files of the weights lie.
    """
    return weights.load(models.build(name), folder / PUBLISHED[name], layout="hrank_resnet")[0]


def names(folder: Path | None) -> list[str]:
    """Return the networks that there are.

    Args:
        folder: where the published weights lie; None: there are none.
    """
    trained = sorted(path.parent.name for path in TRAINED.glob("*/*.keras"))
    return trained if folder is None else [*PUBLISHED, *trained]


def network(name: str, folder: Path) -> keras.Model:
    """Return a network with its weights.

    Args:
        name: of `names()`.
        folder: where the published weights lie.
    """
    if name in PUBLISHED:
        return published(name, folder)
    return keras.models.load_model(TRAINED / name / f"{name}.keras", compile=False)


def fed_with(name: str) -> Preprocessing | None:
    """Return what a network's images go through; None: what those of the published ones do."""
    return preprocessing.load(TRAINED / name)


@dataclass(frozen=True)
class Images:
    """The images of one draw; all methods get the same.

    Args:
        data: the data set.
        draw: its number: of the order of the training images, of training, and of the test images.
        given: what images go through; None: with the mean and deviation of ImageNet, as in the
            training of the published networks.
    """

    data: tfprune.data.DataSet
    draw: int
    given: Preprocessing | None = None

    @property
    def normalisation(self) -> str:
        """Its name."""
        return self.given.normalisation if self.given else "imagenet"

    @property
    def statistics(self) -> Statistics:
        """Mean and deviation that images are normalised with."""
        return self.given.statistics if self.given else imagenet_statistics()

    def sample(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first training images of the draw with their labels.

        Args:
            count: how many; 0: all.

        Returns:
            float32 [N, H, W, C] and int64 [N].
        """
        train = self.data.train
        order = np.random.default_rng([2024, self.draw]).permutation(len(train))
        places = order[:count] if count else order
        return normalised(train.images[places], self.statistics), train.labels[places]

    def training(self, batch_size: int = 128) -> object:
        """Return the epochs of training batches, in the draw's order and augmentation."""
        statistics = replace(
            self.data.train.statistics, mean=self.statistics.mean, std=self.statistics.std
        )
        return replace(self.data.train, statistics=statistics).epochs(
            batch_size, shuffle=True, augment=self.data.augment, seed=self.draw
        )

    def test(self, *, whole: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return test images with their labels.

        Args:
            whole: the whole split; else a fifth, another one for each of five draws, so that five
                draws see all of it.
        """
        test = self.data.test
        places = slice(None) if whole else slice(self.draw % PARTS, None, PARTS)
        return normalised(test.images[places], self.statistics), test.labels[places]


def normalised(images: np.ndarray, statistics: Statistics) -> np.ndarray:
    """Return images as a network takes them.

    Args:
        images: uint8 [N, H, W, 3].
        statistics: mean and deviation of its training images.

    Example:
        >>> white = np.full((1, 1, 1, 3), 255, np.uint8)
        >>> print(normalised(white, imagenet_statistics()).round(2).ravel())
        [2.25 2.43 2.64]
    """
    scaled = images.astype(np.float32) / 255
    return (scaled - statistics.mean) / statistics.std
