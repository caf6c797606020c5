"""What a run is to do, as it says itself."""

from tfprune.costs.timing.table import LatencyTable, Setting
from tfprune.runs import Plan


def test_time_counts_where_the_amount_was_asked_for(tmp_path):
    assert Plan("l1", options={"macs": 0.5}).runtime == "keras"
    assert Plan("l1", options={"latency": 0.5, "runtime": "onnx"}).runtime == "onnx"
    setting = Setting("tflite", 1, 1, "wall", {})
    table = LatencyTable(setting, {}, ((1.0, 1.0), (0.5, 0.5)))
    path = table.save(tmp_path / "table.json")
    for given in (table, path):
        assert Plan("l1", options={"latency": 0.5, "table": given}).runtime == "tflite"
