"""Which photographs, and where predictions go."""

from pathlib import Path

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def define() -> None:
    """Define the flags of a prediction."""
    flags.DEFINE_multi_string("images", [], "A photograph, or a folder of photographs")
    flags.DEFINE_string(
        "output",
        "predictions",
        "Folder for the masks and the overlays of a model with a class per pixel; what is there is "
        "never replaced.",
    )
    flags.DEFINE_integer("top", 5, "Classes to tell of a model with a class per image.", 1)


def images() -> list[str]:
    """Return the files and folders.

    Raises:
        PruningError: none was given.
    """
    if not FLAGS.images:
        raise PruningError("--images is missing: expected a photograph or a folder of them.")
    return FLAGS.images


def folder() -> Path:
    """Return where the pictures go."""
    return Path(FLAGS.output)


def top() -> int:
    """Return how many classes are told."""
    return FLAGS.top
