"""Which images, and where they lie."""

from typing import Any

from absl import flags

FLAGS = flags.FLAGS


def define() -> None:
    """Define --data and --data_dir."""
    flags.DEFINE_string("data", "cifar10", "Data set: a name of tfprune.data.names().")
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of the prepared data set; digits is embedded and needs none. "
        "Without it TensorFlow Datasets looks in its own folder and downloads.",
    )


def values() -> dict[str, Any]:
    """Return the arguments of `tfprune.data.load`."""
    return {"name": FLAGS.data, "data_dir": FLAGS.data_dir}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    if FLAGS.data == "digits":
        return {"data_dir": "the digits are embedded in scikit-learn."}
    return {}
