"""Formats for serving."""

from pathlib import Path
from typing import Any

from absl import flags

from tfprune import plugins
from tfprune.exporting import formats as known
from tfprune.exporting import quantised
from tfprune.exporting.comparing import EXACT
from tfprune.exporting.serving import servable_name, suggested_name

FLAGS = flags.FLAGS
_QUANTISED = ("representative", "min_agreement")


def define() -> None:
    """Define --formats, and how what is written is measured and judged."""
    flags.DEFINE_list(
        "formats",
        ["saved_model"],
        f"Formats to export: {', '.join(plugins.names(known))}; empty for none.",
    )
    flags.DEFINE_float(
        "tolerance",
        EXACT,
        "Largest accepted difference of an exported file's outputs from the model's, as a share of "
        "their largest value; formats that store fewer bits have at least a bound of their own.",
        lower_bound=0.0,
        upper_bound=1.0,
    )
    flags.DEFINE_integer(
        "representative",
        300,
        "Training images on which the ranges of values are measured for tflite_int8.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "min_agreement",
        0.9,
        "Least share of the validation images of which tflite_int8 must say the same class as the "
        "model; else it is not kept.",
        lower_bound=0.0,
        upper_bound=1.0,
    )
    flags.DEFINE_string(
        "name",
        None,
        "What the model is served as: a folder of this name holds the versions of saved_model; "
        "without it the name of the model's file.",
    )


def define_target() -> None:
    """Define where to export to."""
    flags.DEFINE_string(
        "export_dir", None, "Folder to write to; without it the folder export beside the model."
    )
    flags.DEFINE_bool("overwrite", False, "Replace what was exported there before.")


def target(model: Path) -> dict[str, Any]:
    """Return where to export to, as `tfprune.export` takes it."""
    directory = model.parent / "export" if FLAGS.export_dir is None else Path(FLAGS.export_dir)
    return {"directory": directory, "overwrite": FLAGS.overwrite}


def formats() -> list[str]:
    """Return the formats' names.

    Raises:
        PruningError: there is no such format.
    """
    quantised(FLAGS.formats)
    return FLAGS.formats


def name(model: Path) -> str:
    """Return what a model is served as.

    Args:
        model: its file.

    Raises:
        PruningError: a name that is unfit for a folder or a URL.
    """
    return suggested_name(model.stem) if FLAGS.name is None else servable_name(FLAGS.name)


def needs_data() -> bool:
    """Return whether a format must see images."""
    return bool(quantised(formats()))


def images() -> int:
    """Return on how many training images ranges are measured."""
    return FLAGS.representative


def bounds() -> dict[str, float]:
    """Return what is accepted, as `tfprune.export` takes it."""
    return {"tolerance": FLAGS.tolerance, "min_agreement": FLAGS.min_agreement}


def idle() -> dict[str, str]:
    """Return the flags without effect, with the reason."""
    if not formats():
        return dict.fromkeys(("tolerance", "name", *_QUANTISED), "--formats= names no format.")
    found = {}
    if not needs_data():
        found |= dict.fromkeys(_QUANTISED, "only --formats=tflite_int8 is judged by images.")
    if "saved_model" not in formats():
        found["name"] = "only --formats=saved_model has versions under a name."
    return found
