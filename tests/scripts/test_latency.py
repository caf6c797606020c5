"""prune.py --latency and --runtime, from the command line to the report."""

import json

import keras
import numpy as np
import pytest

import prune
import tfprune
from tests.scripts.conftest import QUICK, call
from tfprune.costs.timing import Latency, LatencyTable
from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import LayerTimes
from tfprune.costs.timing.table import Setting, device
from tfprune.errors import PruningError
from tfprune.selection import rounding

PLAIN = (*QUICK[:1], "--method=l1", "--epochs=0", "--formats=")


@pytest.fixture(scope="module")
def table(baseline, tmp_path_factory):
    """The times of the baseline's layers, as a phone might have measured them."""
    model = keras.models.load_model(baseline / "resnet20.keras")
    layers = {}
    for name, block in blocks(tfprune.analyse(model)).items():
        widths = [tuple(range(1, n + 1)) if free else (n,)
                  for n, free in zip(block.widths, block.free, strict=True)]  # fmt: skip
        seconds = 1e-3 * np.multiply.outer(*map(np.array, widths))
        layers[name] = LayerTimes(tuple(widths), seconds.astype(float), ({},) * len(widths))
    total = sum(own.seconds.max() for own in layers.values())
    setting = Setting("tflite", 1, None, "wall", {**device(), "processor": "Cortex"})
    path = tmp_path_factory.mktemp("table") / "phone.json"
    return LatencyTable(setting, layers, ((total, total), (total / 2, total / 2))).save(path)


def test_a_table_of_another_device_says_which_channels_go(baseline, table, tmp_path):
    call(prune, "--arch=resnet20", *PLAIN, "--latency=0.9", f"--latency_table={table}",
         "--pretrain_dir", baseline, "--save_dir", tmp_path)  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["amount"] == {"latency": 0.9}
    text = (tmp_path / "report.txt").read_text()
    assert "0.875 of the original's, predicted for Cortex, not measured; widths are multip" in text
    kept, whole = report["channels"]["stem"]
    assert 0 < kept < whole


def test_a_share_of_the_macs_is_rounded_for_a_runtime(baseline, tmp_path, monkeypatch):
    def latencies(models, sizes, runtime):
        return [(Latency(*sizes, 1.0, 1.0, 1, runtime=runtime),)] * len(models)

    monkeypatch.setattr(rounding, "latencies", latencies)
    call(prune, "--arch=resnet20", *PLAIN, "--macs=0.6", "--runtime=tflite", "--latency_batch=2",
         "--pretrain_dir", baseline, "--save_dir", tmp_path)  # fmt: skip
    text = (tmp_path / "report.txt").read_text()
    assert "with which tflite is fastest, batch of 2" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--ratio=0.5", "--runtime=tflite"), r"runtime.*--ratio says how much, not --latency"),
        (("--macs=0.5", "--latency_batch=2"), r"latency_batch.*--macs says how much"),
        (("--macs=0.5", "--runtime=tflite", "--latency_table=t"), r"latency_table.*--macs says"),
    ],
)
def test_flags_of_the_latency_without_effect_are_refused(baseline, tmp_path, flags, message):
    with pytest.raises(PruningError, match=message):
        call(prune, "--arch=resnet20", *PLAIN, *flags, "--pretrain_dir", baseline, "--save_dir",
             tmp_path / "new")  # fmt: skip
