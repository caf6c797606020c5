"""What the grid works on: published networks and the images that a draw gives to all methods."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

import models
import tfprune.data
from tfprune import weights

# Akamaster's networks: {name in models: file of the weights}.
PUBLISHED = {
    "resnet20_a": "resnet20.th",
    "resnet32_a": "resnet32.th",
    "resnet44_a": "resnet44.th",
    "resnet56_a": "resnet56.th",
}
# Those networks were trained on CIFAR-10 with the mean and deviation of ImageNet.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALISATION = "imagenet"
PARTS = 5  # of the test split; a cheap stage's draw is measured on one of them


def published(name: str, folder: Path) -> keras.Model:
    """Return a network with its published weights.

    Args:
        name: a key of `PUBLISHED`.
        folder: where the files of the weights lie.
    """
    return weights.load(models.build(name), folder / PUBLISHED[name], layout="hrank_resnet")[0]


@dataclass(frozen=True)
class Images:
    """The images of one draw; all methods get the same.

    Args:
        data: the data set.
        draw: its number: of the order of the training images, of training, and of the test images.
    """

    data: tfprune.data.DataSet
    draw: int

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
        return normalised(train.images[places]), train.labels[places]

    def training(self, batch_size: int = 128) -> object:
        """Return the epochs of training batches, in the draw's order and augmentation."""
        return _with_imagenets_statistics(self.data.train).epochs(
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
        return normalised(test.images[places]), test.labels[places]


def normalised(images: np.ndarray) -> np.ndarray:
    """Return images as the published networks take them.

    Args:
        images: uint8 [N, H, W, 3].

    Example:
        >>> normalised(np.full((1, 1, 1, 3), 255, np.uint8)).round(2).tolist()
        [[[[2.25, 2.43, 2.64]]]]
    """
    scaled = images.astype(np.float32) / 255
    return (scaled - np.float32(MEAN)) / np.float32(DEVIATION)


def _with_imagenets_statistics(split: tfprune.data.Split) -> tfprune.data.Split:
    statistics = replace(split.statistics, mean=np.float32(MEAN), std=np.float32(DEVIATION))
    return replace(split, statistics=statistics)
