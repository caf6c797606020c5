"""What is pruned, how much, and from which baseline."""

from absl import flags

FLAGS = flags.FLAGS
AMOUNTS = ("ratio", "macs", "params", "threshold")


def define(*, pretrain_dir: str) -> None:
    """Define the flags of pruning.

    Args:
        pretrain_dir: default of --pretrain_dir.
    """
    flags.DEFINE_string(
        "pretrain_dir",
        pretrain_dir,
        "Folder of the baseline <arch>.keras that train.py wrote; in braces: arch, data.",
    )
    flags.DEFINE_string("method", "similarity", "Pruning method.")
    flags.DEFINE_float(
        "threshold", 0.7, "Similarity from which filters count as alike (method similarity).", 0, 1
    )
    flags.DEFINE_integer("samples", 100, "Training images that the method looks at.", lower_bound=1)
    flags.DEFINE_float("ratio", None, "Share of the channels to remove, in [0, 1).")
    flags.DEFINE_float("macs", None, "Share of the multiply-accumulates to keep, in (0, 1].")
    flags.DEFINE_float("params", None, "Share of the parameters to keep, in (0, 1].")
    flags.DEFINE_enum(
        "scope", "local", ["local", "global"], "--ratio of each layer, or over all layers."
    )
    flags.DEFINE_integer("round_to", 1, "Keep multiples of this many channels.", lower_bound=1)
    flags.DEFINE_integer("floor", 1, "Channels that stay in each layer at least.", lower_bound=1)
    flags.DEFINE_list("include", [], "Patterns of layer names: prune only these.")
    flags.DEFINE_list("exclude", [], "Patterns of layer names: leave these whole.")
