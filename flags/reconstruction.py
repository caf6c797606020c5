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
    flags.DEFINE_integer(
        "passes",
        0,
        "How often all weights go over those images together after the layers: training "
        "in all but labels, for a point of accuracy more; 0: never.",
        lower_bound=0,
    )


def images() -> int:
    """Return from how many images kernels are solved anew, 0 for none."""
    return FLAGS.reconstruct


def passes() -> int:
    """Return how often all weights go over the images together afterwards, 0 for never."""
    return FLAGS.passes


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    return {} if FLAGS.reconstruct else {"passes": "nothing is solved anew without --reconstruct."}
