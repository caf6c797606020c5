"""Which network."""

from absl import flags


def define() -> None:
    """Define --arch."""
    flags.DEFINE_string("arch", "resnet20", "Network: a name of models.names().")


def name() -> str:
    """Return the network's name."""
    return flags.FLAGS.arch
