"""What a run exports, and on which images that is measured and judged."""

from typing import Any

from tfprune.data import DataSet
from tfprune.runs.recorded_training import Feeding


def judged_by(data: DataSet, feeding: Feeding, count: int) -> dict[str, Any]:
    """Return the images for `tfprune.export` with a format that stores integers.

    Args:
        data: the data set; the validation split judges, where there is none the test split.
        feeding: how images become batches.
        count: training images to measure ranges on, drawn once, not augmented.

    Example:
        >>> import tfprune.data
        >>> data = tfprune.data.load("digits")
        >>> sorted(judged_by(data, Feeding(), 100))
        ['inputs', 'representative']
    """
    held_out = data.test if data.validation is None else data.validation
    return {
        "representative": feeding.sample(data, count),
        "inputs": feeding.plain(held_out),
    }
