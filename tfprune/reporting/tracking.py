"""A finished run as a run of MLflow, which need not be installed for anything else."""

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tfprune.errors import PruningError
from tfprune.files import read_json
from tfprune.reporting.record import figures, settings
from tfprune.runs.metrics_file import MetricsFile
from tfprune.runs.run_folder import REPORT, SETTINGS, TEXT

_FILES = (REPORT, TEXT, SETTINGS, "metrics.csv", "masks.json", "masks.npz", "preprocessing.json")


def require_mlflow() -> ModuleType:
    """Return MLflow.

    Raises:
        PruningError: it is not installed, or cannot record where it is told to.
    """
    try:
        import mlflow  # noqa: PLC0415 - it may be missing
    except ImportError as error:
        raise PruningError(
            "MLflow is not installed: `pip install 'tfprune[mlflow]'`, or leave --mlflow out."
        ) from error
    with _explained("Nothing was begun."):
        mlflow.MlflowClient()
    return mlflow


@contextmanager
def _explained(what_of_it: str) -> Iterator[None]:
    """Say where MLflow was to record: a store may need another package, or leave to be used."""
    try:
        yield
    except Exception as error:  # stores raise types of their own
        where = os.environ.get("MLFLOW_TRACKING_URI", "its own default")
        raise PruningError(
            f"MLflow cannot record at MLFLOW_TRACKING_URI ({where}): "
            f"{textwrap.shorten(str(error), 400)} {what_of_it} Name a server or another store, or "
            "leave --mlflow out. Of databases `pip install mlflow` knows more than mlflow-skinny."
        ) from error


def log_to_mlflow(folder: str | os.PathLike) -> str:
    """Log a finished run: settings, figures, each epoch's metrics, the report and the model.

    Where it goes is for MLflow's own variables to say, such as MLFLOW_TRACKING_URI.

    Args:
        folder: the run's folder.

    Returns:
        The id that MLflow gives the run.

    Raises:
        PruningError: MLflow is not installed or cannot record where it is told to, or the folder
            holds no finished run.
    """
    mlflow, folder = require_mlflow(), Path(folder)
    record = read_json(folder / REPORT, "Name the folder of a run that has ended.")
    complete = f"The run in {folder} is complete."
    with _explained(complete), mlflow.start_run(run_name=record["title"], nested=True) as run:
        mlflow.log_params(settings(record))
        mlflow.log_metrics(figures(record))
        for row in MetricsFile(folder / "metrics.csv").rows():
            known = {name: x for name, x in row.items() if x is not None and name != "epoch"}
            mlflow.log_metrics(known, step=int(row["epoch"] or 0))
        for name in _FILES:
            if (folder / name).is_file():
                mlflow.log_artifact(str(folder / name))
        for model in sorted(folder.glob("*.keras")):
            mlflow.log_artifact(str(model), "model")
        if (folder / "report").is_dir():
            mlflow.log_artifacts(str(folder / "report"), "report")
    return run.info.run_id
