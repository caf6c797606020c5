"""What a model costs and gives, measured and written down."""

from tfprune.files import environment
from tfprune.reporting.comparison import Comparison, compare
from tfprune.reporting.layers import layer_rows
from tfprune.reporting.measurement import Measurement, measure
from tfprune.reporting.page import document, model_card, write_page
from tfprune.reporting.pruning_run import PruningRun
from tfprune.reporting.run_figures import require_figures, write_figures
from tfprune.reporting.run_report import finish
from tfprune.reporting.tracking import log_to_mlflow

__all__ = [
    "Comparison",
    "Measurement",
    "PruningRun",
    "compare",
    "document",
    "environment",
    "finish",
    "layer_rows",
    "log_to_mlflow",
    "measure",
    "model_card",
    "require_figures",
    "write_figures",
    "write_page",
]
