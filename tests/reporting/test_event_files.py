"""TensorBoard reads back what a run wrote: text, settings, figures, histograms, pictures."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

from tfprune.reporting.event_files import write_events
from tfprune.reporting.run_report import finish

RECORD = {
    "title": "net", "method": "l1", "seed": 3, "amount": {"ratio": 0.5}, "samples": None,
    "before": {"results": {"accuracy": 0.9}, "macs": 80, "latencies": [{"seconds": 1.0}]},
    "after": {"results": {"accuracy": 0.8}, "macs": 20}, "verification": {"cut": {"exact": True}},
    "keep": {"stem": [True, False, True]}, "scores": {"stem": [0.25, -4.0, 1.0]},
}  # fmt: skip


def read(folder):
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def value(events, tag):
    (event,) = events.Tensors(tag)
    return make_ndarray(event.tensor_proto)


def test_all_of_a_record_is_shown(tmp_path):
    pytest.importorskip("matplotlib")
    write_events(tmp_path / "report", "net\n  pruned", RECORD)
    events = read(tmp_path / "report")
    assert set(events.Tags()["tensors"]) - {"_hparams_/session_start_info"} == {
        "report", "report/before/results/accuracy", "report/before/macs", "scores/stem",
        "report/after/results/accuracy", "report/after/macs", "report/kept_channels",
        "report/score_distributions",
    }  # fmt: skip
    assert value(events, "report/after/macs") == 20
    assert value(events, "report").item().decode() == "    net\n      pruned"
    bins = value(events, "scores/stem")  # rows of (from, to, how many)
    assert bins[:, 2].sum() == 3
    assert (bins[0, 0], bins[-1, 1]) == (-4.0, 1.0)
    width, height, picture = value(events, "report/kept_channels")
    assert int(width) > 100
    assert int(height) > 100
    assert picture.startswith(b"\x89PNG")


def test_settings_are_hyperparameters(tmp_path):
    write_events(tmp_path, "text", RECORD)
    metadata = read(tmp_path).SummaryMetadata("_hparams_/session_start_info")
    told = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
    found = {name: x.string_value or x.number_value
             for name, x in told.session_start_info.hparams.items()}  # fmt: skip
    assert found == {"method": "l1", "seed": 3, "amount/ratio": 0.5}


def test_an_earlier_attempt_is_replaced(tmp_path):
    for text in ("first", "second"):
        write_events(tmp_path / "report", text, {"method": "l1"})
    assert len(list((tmp_path / "report").iterdir())) == 1
    assert value(read(tmp_path / "report"), "report").item() == b"    second"


def test_the_end_of_a_run_writes_them_where_it_has_curves_or_a_page(tmp_path):
    finish(tmp_path / "weights", "weights", {}, {})
    assert not (tmp_path / "weights" / "tensorboard").exists()
    (tmp_path / "trained" / "tensorboard").mkdir(parents=True)
    finish(tmp_path / "trained", "net trained", {}, {"arch": "net", "macs": 8})
    assert value(read(tmp_path / "trained" / "tensorboard" / "report"), "report/macs") == 8
