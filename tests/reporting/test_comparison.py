"""The table before and after."""

import json

import keras
import pytest

from tfprune.costs.timing import Latency
from tfprune.errors import PruningError
from tfprune.reporting import Comparison, Measurement, compare, measure

BEFORE = Measurement({"accuracy": 0.96, "loss": 0.5}, 1000, 8000, 4096, [Latency(1, 4e-3, 3e-3, 9)])
AFTER = Measurement({"accuracy": 0.95, "loss": 0.6}, 250, 2000, 1024, [Latency(1, 2e-3, 1e-3, 9)])


def lines(comparison):
    return [line.split() for line in str(comparison).splitlines()]


def test_the_table_states_both_and_the_change():
    assert lines(Comparison(BEFORE, AFTER)) == [
        ["before", "after", "change"],
        ["accuracy", "96.00%", "95.00%", "-1.00", "points"],
        ["loss", "0.5000", "0.6000", "+0.1000"],
        ["parameters", "1,000", "250", "-75.0%"],
        ["MACs", "8,000", "2,000", "-75.0%"],
        ["file,", "bytes", "4,096", "1,024", "-75.0%"],
        ["batch", "of", "1", "4.00", "ms", "2.00", "ms", "2.00x", "as", "fast"],
    ]


def test_rows_that_only_one_side_has_are_left_out():
    bare = Measurement({}, 1000, 8000)
    assert [line[0] for line in lines(Comparison(bare, AFTER))] == ["before", "parameters", "MACs"]


def test_a_comparison_is_plain_json():
    value = json.loads(json.dumps(Comparison(BEFORE, AFTER).to_json()))
    assert value["before"]["results"] == {"accuracy": 0.96, "loss": 0.5}
    (found,) = value["after"]["latencies"]
    assert found == {
        "batch_size": 1, "seconds": 2e-3, "fastest": 1e-3, "repeats": 9, "quartiles": [0.0, 0.0],
        "runtime": "keras", "threads": None, "clock": "wall",
    }  # fmt: skip


def test_a_model_is_measured(tmp_path):
    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
    path = tmp_path / "m.keras"
    model.save(path)
    found = measure(model, results={"accuracy": 1.0}, path=path, batch_sizes=(2,))
    assert (found.parameters, found.macs) == (10, 8)
    assert found.file_bytes == path.stat().st_size
    assert [latency.batch_size for latency in found.latencies] == [2]
    assert found.results == {"accuracy": 1.0}


def test_two_models_are_compared(tmp_path):
    x = keras.Input((4,), name="x")
    wide, narrow = (keras.Model(x, keras.layers.Dense(n, name="d")(x)) for n in (4, 2))
    wide.save(tmp_path / "m.keras")
    found = compare(
        wide,
        narrow,
        results=({"accuracy": 0.5}, {"accuracy": 0.75}),
        paths=(tmp_path / "m.keras", None),
        batch_sizes=(3, 2),
    )
    assert (found.before.parameters, found.after.parameters) == (20, 10)
    assert (found.before.results, found.after.results) == ({"accuracy": 0.5}, {"accuracy": 0.75})
    assert found.before.file_bytes > 0
    assert found.after.file_bytes is None
    for side in (found.before, found.after):
        assert [latency.batch_size for latency in side.latencies] == [3, 2]


def test_a_missing_file_is_named(tmp_path):
    x = keras.Input((4,), name="x")
    with pytest.raises(PruningError, match=r"no file .*m\.keras"):
        measure(keras.Model(x, x), path=tmp_path / "m.keras")


def test_every_share_of_a_task_is_told_in_percent():
    before, after = (Measurement({"miou": x, "mae": x}, 10, 10) for x in (0.5, 0.25))
    rows = [line.split() for line in str(Comparison(before, after)).splitlines()]
    assert ["miou", "50.00%", "25.00%", "-25.00", "points"] in rows
    assert ["mae", "0.5000", "0.2500", "-0.2500"] in rows


def test_times_of_another_runtime_say_so():
    x = keras.Input((4,), name="x")
    model = keras.Model(x, keras.layers.Dense(2, name="d")(x))
    found = compare(model, model, batch_sizes=(2,), runtime="tflite")
    assert found.before.latencies[0].runtime == "tflite"
    last = str(found).splitlines()[-1]
    assert last.startswith("batch of 2, tflite  ")
    assert last.endswith("x as fast")
