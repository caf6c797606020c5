"""A run in a folder: what it was asked, what it has done, and how it goes on after a stop."""

from tfprune.runs.implied_options import implied_options
from tfprune.runs.masks_file import load_masks, save_masks
from tfprune.runs.metrics_file import MetricsFile
from tfprune.runs.own_folder import agree, own_folder
from tfprune.runs.plan import Plan
from tfprune.runs.recorded_training import Feeding, train_recorded
from tfprune.runs.run_folder import (
    SETTINGS,
    claim,
    report_text,
    report_values,
    require_same,
)
from tfprune.runs.shipping import Shipped, Shipping, judged_by, origin, ship
from tfprune.runs.stages import Stages
from tfprune.schedules._schedule import Outcome

__all__ = [
    "SETTINGS",
    "Feeding",
    "MetricsFile",
    "Outcome",
    "Plan",
    "Shipped",
    "Shipping",
    "Stages",
    "agree",
    "claim",
    "implied_options",
    "judged_by",
    "load_masks",
    "origin",
    "own_folder",
    "report_text",
    "report_values",
    "require_same",
    "save_masks",
    "ship",
    "train_recorded",
]
