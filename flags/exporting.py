"""Formats for serving."""

from pathlib import Path
from typing import Any

from absl import flags

from tfprune import plugins
from tfprune.exporting import formats as known

FLAGS = flags.FLAGS


def define() -> None:
    """Define --formats."""
    flags.DEFINE_list(
        "formats",
        ["saved_model"],
        f"Formats to export: {', '.join(plugins.names(known))}; empty for none.",
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
    """Return the formats' names."""
    return FLAGS.formats
