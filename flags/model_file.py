"""Which saved model."""

from pathlib import Path

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def define() -> None:
    """Define --model."""
    flags.DEFINE_string("model", None, "A model's .keras or .h5 file, of any functional model.")


def define_start() -> None:
    """Define --weights_from."""
    flags.DEFINE_string(
        "weights_from",
        None,
        "A model's .keras or .h5 file to begin with: layers of the same name and shapes take over "
        "its weights. prepare_weights.py makes one of PyTorch's.",
    )


def start() -> Path | None:
    """Return the file of the model that training begins with, if one was named."""
    return None if FLAGS.weights_from is None else Path(FLAGS.weights_from)


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
