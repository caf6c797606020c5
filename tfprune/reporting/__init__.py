"""What a model costs and gives, and what a run leaves behind."""

from tfprune.reporting.comparison import Comparison, compare
from tfprune.reporting.environment import environment
from tfprune.reporting.latency import Latency, measure_latencies, measure_latency
from tfprune.reporting.masks_file import load_masks, save_masks
from tfprune.reporting.measurement import Measurement, measure
from tfprune.reporting.metrics_file import MetricsFile
from tfprune.reporting.plan import Plan
from tfprune.reporting.recorded_pruning import Outcome, prune_recorded
from tfprune.reporting.recorded_training import Feeding, train_recorded
from tfprune.reporting.run_folder import claim, require_same, text, values
from tfprune.reporting.run_report import finish

__all__ = [
    "Comparison",
    "Feeding",
    "Latency",
    "Measurement",
    "MetricsFile",
    "Outcome",
    "Plan",
    "claim",
    "compare",
    "environment",
    "finish",
    "load_masks",
    "measure",
    "measure_latencies",
    "measure_latency",
    "prune_recorded",
    "require_same",
    "save_masks",
    "text",
    "train_recorded",
    "values",
]
