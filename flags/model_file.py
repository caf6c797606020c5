"""Which saved model."""

from pathlib import Path

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def define() -> None:
    """Define --model."""
    flags.DEFINE_string("model", None, "The model's .keras file.")


def path() -> Path:
    """Return the model's file.

    Raises:
        PruningError: --model was not given.
    """
    if FLAGS.model is None:
        raise PruningError("--model is missing: expected a .keras file, as train.py writes it.")
    return Path(FLAGS.model)
