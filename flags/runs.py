"""Where a run goes, and what is repeatable about it."""

import re

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_WIDTH = re.compile(r"{[^{}]*[:!]")


def define(*, save_dir: str, fields: str) -> None:
    """Define the flags of a run.

    Args:
        save_dir: default of --save_dir.
        fields: the names that may stand in braces in it, for the help text.
    """
    flags.DEFINE_string(
        "save_dir",
        save_dir,
        f"Folder for everything the run writes; in braces: {fields}, seed. The papers' ./models is "
        "this repository's package of networks, hence ./runs.",
    )
    flags.DEFINE_bool("overwrite", False, "Replace another run's results in --save_dir.")
    flags.DEFINE_bool("resume", True, "Continue an interrupted run with the same flags.")
    flags.DEFINE_integer(
        "seed", 0, "Seed of everything random.", lower_bound=0, upper_bound=2**32 - 1
    )


def seed() -> int:
    """Return the seed of everything random."""
    return FLAGS.seed


def conflicts() -> dict[str, bool]:
    """Return what to do about results that are there, as `tfprune.runs.claim` takes it."""
    return {"overwrite": FLAGS.overwrite, "resume": FLAGS.resume}


def expand(flag: str, **fields: str) -> str:
    """Return the value of a folder flag with the names in braces filled in.

    Args:
        flag: the flag's name, e.g. "save_dir".
        **fields: the values that may be asked for, beside the seed.

    Raises:
        PruningError: another name in braces.
    """
    template, fields = FLAGS[flag].value, {**fields, "seed": str(FLAGS.seed)}
    if _WIDTH.search(template):  # a width of 10**9 would fill the memory
        raise PruningError(f"--{flag}={template}: expected plain names in braces, without : or !.")
    try:
        return template.format(**fields)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise PruningError(
            f"--{flag}={template}: expected at most these names in braces: "
            f"{', '.join(sorted(fields))}; received {error}."
        ) from error
