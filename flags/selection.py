"""Which layers are pruned, and what each keeps."""

from typing import Any

from absl import flags

from tfprune.graph.coupling import WAYS
from tfprune.reconstruction.measuring import MEASURED
from tfprune.selection.request import SCOPES

FLAGS = flags.FLAGS
NAMES = ("scope", "min_channels", "round_to", "include", "exclude")


def define() -> None:
    """Define the flags of the selection."""
    flags.DEFINE_enum(
        "coupled",
        None,
        WAYS,
        "What coupled layers (residual sums) are scored by: pin leaves them whole, leader is the "
        "one nearest to the input, mean and sum are over all; without it as the method's paper.",
    )
    flags.DEFINE_enum(
        "scope",
        None,
        [*SCOPES, MEASURED],
        "Shrink layers alike, rank all channels together, or (isomorphic) those that are built "
        "alike, or (sensitivity, with --macs, --params or --latency) measure how much of each "
        "layer can go; without it as the method's paper.",
    )
    flags.DEFINE_integer("min_channels", 1, "Channels that every layer keeps.", lower_bound=1)
    flags.DEFINE_integer(
        "round_to",
        None,
        "Keep multiples of this many channels; without it 1, or with --latency what is fastest.",
        lower_bound=1,
    )
    flags.DEFINE_list("include", [], "Patterns of layer names: prune only these.")
    flags.DEFINE_list("exclude", [], "Patterns of layer names: leave these whole.")


def given() -> dict[str, Any]:
    """Return the options of the selection that differ from their defaults.

    Not every selector takes every option.
    """
    values = {name: FLAGS[name].value for name in NAMES}
    return {name: value for name, value in values.items() if value != FLAGS[name].default}
