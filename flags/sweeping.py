"""Many runs of prune.py: which, and how many at a time."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from absl import flags

from tfprune import criteria, plugins
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_AMOUNT = re.compile(r"(ratio|macs|params|threshold)=[0-9.eE+-]+")


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Args:
        method: its --method.
        amount: its amount as prune.py's flag without the dashes, e.g. "macs=0.5".
        seed: its --seed.
    """

    method: str
    amount: str
    seed: int

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.method}_{self.amount.replace('=', '_')}_seed{self.seed}"


def define() -> None:
    """Define the flags of a sweep."""
    flags.DEFINE_list(
        "methods", ["l1"], f"Methods, of: {', '.join(plugins.names(criteria))}; commas between."
    )
    flags.DEFINE_list(
        "amounts", ["macs=0.5"], "Amounts as prune.py takes them, e.g. macs=0.7,macs=0.5."
    )
    flags.DEFINE_list("seeds", ["0"], "Seeds, e.g. 0,1,2.")
    flags.DEFINE_string(
        "prune", "", "Further flags of prune.py, the same for all, e.g. '--data=digits --epochs=5'."
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        ["auto", "single", "mirrored"],
        "On which devices each run computes, as for prune.py.",
    )
    flags.DEFINE_list(
        "gpus", None, "GPUs, e.g. 0,1,2,3, divided among the runs that go on at a time."
    )
    flags.DEFINE_integer("jobs", 1, "Runs at a time.", lower_bound=1)
    flags.DEFINE_string("save_dir", "runs/sweep", "Folder: one of each run, the table, the plot.")


def cells() -> Iterator[Cell]:
    """Yield the runs of the sweep, all methods and amounts of a seed before the next seed.

    Raises:
        PruningError: an unknown method, or what is no amount or seed.
    """
    valid = plugins.names(criteria)
    for method in FLAGS.methods:
        if method not in valid:
            raise PruningError(
                f"--methods: {method!r} is no method. Expected of: {', '.join(valid)}."
            )
    for amount in FLAGS.amounts:
        if not _AMOUNT.fullmatch(amount):
            raise PruningError(
                f"--amounts: expected ratio=, macs=, params= or threshold= with a number, received "
                f"{amount!r}."
            )
    for seed in FLAGS.seeds:
        if not seed.isdecimal():
            raise PruningError(f"--seeds: expected whole numbers from 0 on, received {seed!r}.")
    for seed, method, amount in product(FLAGS.seeds, FLAGS.methods, FLAGS.amounts):
        yield Cell(method, amount, int(seed))


def common() -> list[str]:
    """Return the flags that all runs share.

    Raises:
        PruningError: one that the sweep itself sets, or quotes that do not close.
    """
    try:
        given = shlex.split(FLAGS.prune)
    except ValueError as error:
        raise PruningError(f"--prune={FLAGS.prune}: {error}.") from error
    own = (
        "method",
        "seed",
        "save_dir",
        "ratio",
        "macs",
        "params",
        "threshold",
        "strategy",
        "gpus",
        "gpu",
    )
    for flag in given:
        name = flag.lstrip("-").partition("=")[0].replace("-", "_")
        if name in own:
            raise PruningError(f"--prune: the sweep itself sets --{name}. Leave it out there.")
    return given


def jobs() -> int:
    """Return how many runs go on at a time."""
    return FLAGS.jobs


def devices(place: int) -> list[str]:
    """Return the flags that say where a run computes.

    Args:
        place: which of the runs that go on at a time, from 0.

    Raises:
        PruningError: fewer GPUs than runs at a time.
    """
    gpus = FLAGS.gpus or []
    if gpus and len(gpus) < FLAGS.jobs:
        raise PruningError(
            f"--gpus names {len(gpus)} GPUs for --jobs={FLAGS.jobs}: expected one for each."
        )
    own = [f"--gpus={','.join(gpus[place :: FLAGS.jobs])}"] if gpus else []
    return [f"--strategy={FLAGS.strategy}", *own]


def save_dir() -> str:
    """Return the sweep's folder."""
    return FLAGS.save_dir
