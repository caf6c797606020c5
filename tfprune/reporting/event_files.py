"""What TensorBoard shows of a run beside its curves."""

import io
import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.plugins.hparams import api as hparams

from tfprune.errors import PruningError
from tfprune.files import remove
from tfprune.reporting.figures.kept_channels import kept_channels
from tfprune.reporting.figures.score_distributions import score_distributions
from tfprune.reporting.record import figures, settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_events(folder: str | os.PathLike, text: str, record: Mapping[str, Any]) -> None:
    """Write a run's report for TensorBoard: text, settings, figures, distributions of scores.

    Settings and figures come as hyperparameters, so that runs can be compared in its table.

    Args:
        folder: of these events alone; what is there is replaced.
        text: the report.
        record: what `report.json` and the page hold.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp() + "/report"
        >>> write_events(folder, "pruned", {"method": "l1", "after": {"macs": 8}})
        >>> len(os.listdir(folder))
        1
    """
    remove(folder)
    writer = tf.summary.create_file_writer(os.fspath(folder))
    with writer.as_default(step=0):
        tf.summary.text("report", textwrap.indent(text, "    "))  # Markdown's way to say "as it is"
        hparams.hparams(settings(record))
        for name, value in figures(record).items():
            tf.summary.scalar(f"report/{name}", value)
        for layer, values in record.get("scores", {}).items():
            tf.summary.histogram(f"scores/{layer}", np.asarray(values, float))
        for name, figure in _drawn(record):
            tf.summary.image(f"report/{name}", _pixels(figure)[None])
    writer.close()


def _drawn(record: Mapping[str, Any]) -> Iterator[tuple[str, "Figure"]]:
    """Yield the report's figures, none where matplotlib is missing."""
    keep = {name: np.asarray(mask, bool) for name, mask in record.get("keep", {}).items()}
    scores = {name: np.asarray(x, float) for name, x in record.get("scores", {}).items()}
    try:
        if keep:
            yield "kept_channels", kept_channels(keep)
        if keep and scores:
            yield "score_distributions", score_distributions(scores, keep)
    except PruningError:
        return


def _pixels(figure: "Figure") -> np.ndarray:
    """Return a figure as an image, uint8 [H, W, 3]."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return np.asarray(Image.open(file).convert("RGB"))
