"""What it costs a layer to lose inputs when its other weights are free to answer.

Structured optimal brain surgeon: with H the mean of X'X over rows, the least squares error that
removing the columns c adds is tr(F W_c' [(H^-1)_cc]^-1 W_c), F the weight of each output; the
other weights become W - (H^-1)_:c [(H^-1)_cc]^-1 W_c, and H^-1 loses c (Hassibi & Stork 1993;
Kurtic et al. 2022 for groups).
"""

import numpy as np


class Elimination:
    """A layer's matrix while columns go.

    Args:
        moments: mean of X'X over rows, [D, D], regularised.
        weights: W, [D, M].
        importance: weight of a squared error of each output, [M].
        unit: int [D], which unit each column belongs to; negative: it stays.
    """

    def __init__(
        self, moments: np.ndarray, weights: np.ndarray, importance: np.ndarray, unit: np.ndarray
    ):
        self.inverse = np.linalg.inv(moments)
        self.weights = weights * np.sqrt(importance)
        order = np.argsort(unit, kind="stable")
        names, starts = np.unique(unit[order], return_index=True)
        blocks = np.split(order, starts[1:])
        self.columns = {int(u): c for u, c in zip(names, blocks, strict=True) if u >= 0}

    def costs(self) -> dict[int, float]:
        """Return {unit: error that its removal adds now}."""
        sizes: dict[int, list[int]] = {}
        for unit, columns in self.columns.items():
            sizes.setdefault(len(columns), []).append(unit)
        found: dict[int, float] = {}
        for units in sizes.values():
            index = np.stack([self.columns[unit] for unit in units])
            blocks = self.inverse[index[:, :, None], index[:, None, :]]
            own = self.weights[index]
            found |= dict(zip(units, (own * np.linalg.solve(blocks, own)).sum((1, 2)).tolist(),
                              strict=True))  # fmt: skip
        return found

    def remove(self, unit: int) -> None:
        """Remove a unit's columns; the others answer."""
        columns = self.columns.pop(unit, None)
        if columns is None:
            return
        across = self.inverse[:, columns]
        answer = np.linalg.solve(across[columns], across.T)
        self.weights -= answer.T @ self.weights[columns]
        self.inverse -= across @ answer
        # What is left of the removed rows is rounding.
        self.weights[columns] = 0
        self.inverse[columns] = self.inverse[:, columns] = 0
