"""Kernels solved anew after the cut."""

from absl import flags

FLAGS = flags.FLAGS


def define() -> None:
    """Define the flags of the reconstruction."""
    flags.DEFINE_integer(
        "reconstruct",
        0,
        "Training images, without their labels, from which the kernels are solved anew after the "
        "cut, before any training; 0: none. 1000 are a good number. On these images "
        "--scope=sensitivity measures, too.",
        lower_bound=0,
    )


def images() -> int:
    """Return from how many images kernels are solved anew, 0 for none."""
    return FLAGS.reconstruct
