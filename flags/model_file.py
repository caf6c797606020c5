"""Which saved model."""

from pathlib import Path

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def define() -> None:
    """Define --model."""
    flags.DEFINE_string("model", None, "A model's .keras or .h5 file, of any functional model.")


def given() -> Path | None:
    """Return the model's file if one was named."""
    return None if FLAGS.model is None else Path(FLAGS.model)


def path() -> Path:
    """Return the model's file.

    Raises:
        PruningError: --model was not given.
    """
    found = given()
    if found is None:
        raise PruningError(
            "--model is missing: expected a .keras or .h5 file, such as train.py writes."
        )
    return found


def idle() -> dict[str, str]:
    """Return the flags without effect where a model's file is named, with the reason."""
    names = ("arch", "pretrain_dir")
    return {} if given() is None else dict.fromkeys(names, "--model says which network.")
