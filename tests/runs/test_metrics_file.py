"""The CSV of a training, interrupted or not."""

import pytest

from tfprune.errors import PruningError
from tfprune.runs.metrics_file import MetricsFile


def rows(path):
    return path.read_text().splitlines()


def test_one_row_per_epoch_under_the_names_of_the_logs(tmp_path):
    path = tmp_path / "metrics.csv"
    file = MetricsFile(path)
    file.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.25})
    file.on_epoch_end(1, {"loss": 0.25, "accuracy": 0.5})
    assert rows(path) == ["epoch,loss,accuracy", "1,0.5,0.25", "2,0.25,0.5"]
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_a_resumed_training_replaces_the_epochs_it_does_again(tmp_path):
    path = tmp_path / "metrics.csv"
    for epoch in range(3):
        MetricsFile(path).on_epoch_end(epoch, {"loss": 0.5})
    MetricsFile(path).on_epoch_end(1, {"loss": 0.125})
    assert rows(path) == ["epoch,loss", "1,0.5", "2,0.125"]


def test_a_column_that_comes_later_is_empty_before(tmp_path):
    path = tmp_path / "metrics.csv"
    MetricsFile(path).on_epoch_end(0, {"loss": 0.5})
    MetricsFile(path).on_epoch_end(1, {"loss": 0.5, "val_loss": 1.0})
    assert rows(path) == ["epoch,loss,val_loss", "1,0.5,", "2,0.5,1.0"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"step,loss\n1,2\n",
        b"epoch,loss\n,2\n",
        b"epoch\n1,2\n",
        b"epoch,loss\n1\n",
        b"epoch,loss\n1,x\n",
        b"epoch,loss\n1," + b"9" * 200_000,
        b"epoch\n" + b"1" * 9000 + b"\n",
    ],
    ids=[
        "bytes",
        "no epochs",
        "an empty one",
        "too long",
        "too short",
        "a word",
        "a long field",
        "a long number",
    ],
)
def test_a_damaged_file_says_what_to_do(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(PruningError, match=r"metrics\.csv is damaged: expected.* Remove it"):
        MetricsFile(path).on_epoch_end(1, {"loss": 0.5})
