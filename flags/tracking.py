"""Where a finished run is recorded beside its folder."""

from pathlib import Path

from absl import flags, logging

from tfprune import reporting
from tfprune.distribution import workers
from tfprune.reporting.tracking import require_mlflow

FLAGS = flags.FLAGS


def define() -> None:
    """Define --mlflow."""
    flags.DEFINE_bool(
        "mlflow", False, "Log the finished run to MLflow, where MLFLOW_TRACKING_URI says."
    )


def require() -> None:
    """Refuse what could not be told of at the end, before anything begins.

    Raises:
        PruningError: MLflow is asked for and not installed.
    """
    if FLAGS.mlflow:
        require_mlflow()


def tell(folder: Path) -> None:
    """Log a finished run where that is asked for; of several workers the chief does.

    Args:
        folder: the run's folder.
    """
    if FLAGS.mlflow and workers.is_chief():
        logging.info("MLflow's run: %s", reporting.log_to_mlflow(folder))
