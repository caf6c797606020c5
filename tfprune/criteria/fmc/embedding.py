"""Feature maps as points of the plane: scaled by their maximum, then t-SNE."""

import numpy as np
from sklearn.manifold import TSNE

PERPLEXITY = 1.0
STEPS = 1000


def normalise(maps: np.ndarray) -> np.ndarray:
    """Return each map as a row, divided by its largest magnitude; a dead map stays zero.

    Behind a ReLU the largest magnitude is the maximum, by which the paper's code divides; where
    there is no activation a negative maximum would turn the signs.

    Args:
        maps: [H, W, C], one image's maps.

    Returns:
        float64 [C, H * W] in [-1, 1].

    Example:
        >>> import numpy as np
        >>> maps = np.array([[2.0, 4.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
        >>> normalise(maps.T.reshape(2, 2, 2)).tolist()
        [[0.5, 1.0, 0.0, 0.25], [0.0, 0.0, 0.0, 0.0]]
    """
    rows = np.asarray(maps, np.float64).reshape(-1, maps.shape[-1]).T
    largest = np.abs(rows).max(axis=1, keepdims=True)
    return np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)


def embed(rows: np.ndarray, seed: int) -> np.ndarray:
    """Lay rows out in the plane by t-SNE (van der Maaten and Hinton, JMLR 2008).

    Args:
        rows: [C, D].
        seed: seed of the random start, in [0, 2**32).

    Returns:
        float64 [C, 2].

    Example:
        >>> import numpy as np
        >>> embed(np.eye(5), seed=0).shape
        (5, 2)
    """
    if len(rows) == 1:  # t-SNE needs a neighbour
        return np.zeros((1, 2))
    # The original asks for this rate and leaves the start to scikit-learn 1.0, random by default.
    tsne = TSNE(
        n_components=2,
        perplexity=PERPLEXITY,
        init="random",
        learning_rate="auto",
        max_iter=STEPS,
        random_state=seed,
    )
    return tsne.fit_transform(rows.astype(np.float32)).astype(np.float64)
