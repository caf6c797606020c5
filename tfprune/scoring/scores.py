"""Scores per layer that remember where they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, repr=False)
class Scores(Mapping):
    """Scores per layer that remember their criterion.

    Args:
        criterion: the criterion's name.
        by_layer: {layer name: float64 [C], higher = keep}, or what the criterion's selector takes.
        selector: name of the selector that turns them into keep masks.
        scope: "layer" or "global", how the criterion's paper ranks.
        comparable: whether scores of different layers may be ranked against each other as they
            are; otherwise they are divided by their layer's mean before that.
    """

    criterion: str
    by_layer: Mapping[str, np.ndarray]
    selector: str = "ranking"
    scope: str = "layer"
    comparable: bool = True

    def __getitem__(self, layer: str) -> np.ndarray:
        return self.by_layer[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_layer)

    def __len__(self) -> int:
        return len(self.by_layer)

    def __repr__(self) -> str:
        return f"<Scores by {self.criterion!r} of {len(self)} layers>"

    def by_channel(self) -> dict[str, np.ndarray]:
        """Return a number per channel, float64 [C], whatever the criterion gives.

        Of similarities between pairs [C, C] it is how far the most similar other channel is, 1
        minus the similarity.

        Example:
            >>> alike = np.array([[1, 0.75, 0], [0.75, 1, 0.5], [0, 0.5, 1]])
            >>> Scores("similarity", {"stem": alike}).by_channel()["stem"].tolist()
            [0.25, 0.25, 0.5]
        """
        return {name: _by_channel(np.asarray(x, np.float64)) for name, x in self.by_layer.items()}


def _by_channel(value: np.ndarray) -> np.ndarray:
    if value.ndim == 1:
        return value
    others = np.where(np.eye(len(value), dtype=bool), 0.0, value)
    return 1 - others.max(axis=1)


def scaled(values: np.ndarray) -> np.ndarray:
    """Return a layer's scores over their mean magnitude, so that layers can be ranked together.

    Args:
        values: float64 [C]; scores that are all zero stay as they are.

    Example:
        >>> scaled(np.array([1.0, 3.0])).tolist()
        [0.5, 1.5]
    """
    size = np.abs(values).mean()
    return values / size if size > 0 else values
