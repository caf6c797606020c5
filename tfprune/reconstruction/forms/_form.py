"""What every form of a layer offers."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np


class Form(ABC):
    """A layer as a matrix per group: columns [groups, rows, D] times [groups, D, M].

    A row is one position of one sample's output; rows are counted over samples and positions.

    Args:
        layer: the built layer; its activation is left out of account.
    """

    has_kernel = True  # False: the channels only get a factor and an offset each

    def __init__(self, layer: Any):
        self.layer = layer

    @abstractmethod
    def positions(self, y: np.ndarray) -> int:
        """Return how many rows a sample has, from the layer's outputs [N, ...]."""

    @abstractmethod
    def columns(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return what the matrix multiplies, [groups, rows, D].

        Args:
            x: the layer's inputs, [N, ...].
            y: its present outputs, [N, ...].
            rows: int [rows], which rows.
        """

    @abstractmethod
    def targets(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return outputs [N, ...] as rows, [groups, rows, M]."""

    @abstractmethod
    def arranged(self, kernel: np.ndarray) -> np.ndarray:
        """Return an array of the kernel's shape as [groups, D, M]; its numbers only move."""

    def matrix(self) -> np.ndarray:
        """Return the layer's present matrix, float64 [groups, D, M]."""
        return self.arranged(self.kernel.numpy().astype(np.float64))

    @property
    @abstractmethod
    def kernel(self) -> Any:
        """The variable that holds the matrix."""

    @abstractmethod
    def assign(self, matrix: np.ndarray) -> None:
        """Give the layer another matrix."""

    def bias(self) -> np.ndarray | None:
        """Return what is added to the outputs, [groups, M]; None where there is nothing."""
        bias = getattr(self.layer, "bias", None)
        return None if bias is None else np.float64(bias.numpy()).reshape(self._offsets)

    @property
    def takes_offset(self) -> bool:
        """Whether any offset [groups, M] can be added to the outputs."""
        return getattr(self.layer, "bias", None) is not None

    def shift(self, offset: np.ndarray) -> None:
        """Add an offset [groups, M] to the outputs."""
        bias = self.layer.bias
        bias.assign(np.float64(bias.numpy()) + offset.reshape(bias.shape))

    @property
    def _offsets(self) -> tuple[int, int]:
        groups, _, width = self.matrix().shape
        return groups, width
