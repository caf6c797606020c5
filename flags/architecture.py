"""Which network."""

from absl import flags

import models
from tfprune.errors import unknown

# The names that the papers' own programs give to networks of ours.
ORIGINALS = {
    "densenet": "densenet40_24",
    "gatedensenet40": "densenet40_24",
    "gatemobilenetv2": "mobilenet_v2",
    **{f"gateresnet{depth}": f"resnet{depth}_a" for depth in (20, 32, 56, 110)},
    **{f"gateresnet{depth}_c100": f"resnet{depth}_a" for depth in (32, 56)},  # by --data here
    "resnet_56": "resnet56_a",
    "resnet_110": "resnet110_a",
    "vgg_16_bn": "vgg16_fmc",
}


def define() -> None:
    """Define --arch, which GFBS calls --net."""
    flags.DEFINE_string(
        "arch",
        "resnet20",
        f"Network: {', '.join(models.names())}; or as a paper's program calls it: "
        f"{', '.join(ORIGINALS)}.",
    )
    flags.DEFINE_alias("net", "arch")


def name() -> str:
    """Return the network's name among ours.

    Raises:
        PruningError: there is no such network; the valid names are listed.
    """
    arch = ORIGINALS.get(flags.FLAGS.arch, flags.FLAGS.arch)
    if arch not in models.names():
        raise unknown("network", arch, models.names())
    return arch
