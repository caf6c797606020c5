"""Models for serving, each format compared with the model by its own runtime."""

from tfprune.exporting.chosen_formats import quantised, require_formats
from tfprune.exporting.comparing import Check, DisagreementError
from tfprune.exporting.exported import Exported
from tfprune.exporting.measuring import measure
from tfprune.exporting.metadata import read_metadata, write_metadata
from tfprune.exporting.writing import export

__all__ = [
    "Check",
    "DisagreementError",
    "Exported",
    "export",
    "measure",
    "quantised",
    "read_metadata",
    "require_formats",
    "write_metadata",
]
