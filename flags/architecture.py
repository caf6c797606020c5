"""Which network."""

from absl import flags

import models
from tfprune.errors import unknown


def define() -> None:
    """Define --arch."""
    flags.DEFINE_string("arch", "resnet20", "Network: a name of models.names().")


def name() -> str:
    """Return the network's name.

    Raises:
        PruningError: there is no such network; the valid names are listed.
    """
    arch = flags.FLAGS.arch
    if arch not in models.names():
        raise unknown("network", arch, models.names())
    return arch
