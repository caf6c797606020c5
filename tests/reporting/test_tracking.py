"""MLflow gets what a finished run holds; without MLflow nothing else is harmed."""

import contextlib
import sys
import types

import pytest

from tfprune import reporting
from tfprune.errors import PruningError
from tfprune.reporting.tracking import log_to_mlflow, require_mlflow


@pytest.fixture
def run(tmp_path):
    values = {"method": "l1", "amount": {"ratio": 0.5}, "after": {"results": {"accuracy": 0.75}}}
    reporting.finish(tmp_path, "net pruned", {"result": "good"}, values)
    (tmp_path / "metrics.csv").write_text("epoch,loss,val_loss\n1,0.5,\n2,0.25,0.75\n")
    (tmp_path / "net.keras").write_bytes(b"a model")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.html").write_text("a page")
    return tmp_path


class Recorder(types.ModuleType):
    """Stands in for MLflow and keeps what it is told."""

    def __init__(self):
        super().__init__("mlflow")
        self.told = []

    @contextlib.contextmanager
    def start_run(self, **options):
        self.told.append(("run", options["run_name"]))
        yield types.SimpleNamespace(info=types.SimpleNamespace(run_id="7"))

    def MlflowClient(self):
        """A store that it can use."""

    def __getattr__(self, name):
        if not name.startswith("log_"):
            raise AttributeError(name)
        return lambda *values, **options: self.told.append((name, *values, *options.values()))


def test_everything_of_a_run_is_logged(run, monkeypatch):
    recorder = Recorder()
    monkeypatch.setitem(sys.modules, "mlflow", recorder)
    assert log_to_mlflow(run) == "7"
    assert recorder.told == [
        ("run", "net pruned"),
        ("log_params", {"method": "l1", "amount/ratio": 0.5}),
        ("log_metrics", {"after/results/accuracy": 0.75}),
        ("log_metrics", {"loss": 0.5}, 1),
        ("log_metrics", {"loss": 0.25, "val_loss": 0.75}, 2),
        ("log_artifact", str(run / "report.json")),
        ("log_artifact", str(run / "report.txt")),
        ("log_artifact", str(run / "metrics.csv")),
        ("log_artifact", str(run / "net.keras"), "model"),
        ("log_artifacts", str(run / "report"), "report"),
    ]


def test_a_store_that_mlflow_cannot_use_is_refused_before_a_run_begins(monkeypatch):
    recorder = Recorder()
    recorder.MlflowClient = lambda: {}["sqlite"]
    monkeypatch.setitem(sys.modules, "mlflow", recorder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///here.db")
    with pytest.raises(PruningError, match=r"sqlite:///here.db\): 'sqlite' Nothing was begun"):
        require_mlflow()


def test_what_goes_wrong_at_the_end_leaves_the_run_complete(run, monkeypatch):
    recorder = Recorder()
    recorder.log_params = lambda values: {}["server"]
    monkeypatch.setitem(sys.modules, "mlflow", recorder)
    with pytest.raises(PruningError, match=r"'server' The run in .* is complete"):
        log_to_mlflow(run)


def test_mlflow_itself_takes_it(run, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is absent: pip install .[mlflow]")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # it would rather have a database
    mlflow.set_tracking_uri((tmp_path / "tracked").as_uri())
    found = mlflow.get_run(log_to_mlflow(run))
    assert found.data.params == {"method": "l1", "amount/ratio": "0.5"}
    assert found.data.metrics["after/results/accuracy"] == 0.75
    assert found.data.metrics["loss"] == 0.25


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not installed
    with pytest.raises(PruningError, match=r"pip install 'tfprune\[mlflow\]'.*leave --mlflow out"):
        require_mlflow()
    monkeypatch.setitem(sys.modules, "mlflow", Recorder())
    with pytest.raises(PruningError, match=r"report.json cannot be read: No such file"):
        log_to_mlflow(tmp_path)
