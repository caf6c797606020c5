"""The table of times: measured at the right widths, kept in a file, refused for another model."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

import tfprune
from tfprune.costs.timing import Latency, LatencyTable, tabulating
from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import LayerTimes
from tfprune.costs.timing.table import Setting, device
from tfprune.errors import PruningError

L = keras.layers


def network(width=32):
    image = keras.Input((4, 4, 3), name="image")
    x = image
    for name in ("a", "b", "c"):
        x = L.ReLU(name=f"{name}_relu")(L.Conv2D(width, 1, name=name)(x))
    x = L.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, L.Dense(5, name="head")(x), name="net")


@pytest.fixture(scope="module")
def graph():
    return tfprune.analyse(network())


def seconds(point):
    """What the stub machine takes: a product, and half as much again for odd outputs."""
    return float(np.prod(point)) * (1.5 if point[-1] % 2 else 1.0)


@pytest.fixture
def measured(monkeypatch):
    """The points at which each block is timed, on a machine whose times are known."""
    asked = []

    def timed(block, points, setting, repeats):
        asked.append((block.owner.name, list(points)))
        return [seconds(point) for point in points]

    monkeypatch.setattr(tabulating, "_timed", timed)
    return asked


def test_layers_that_are_alike_are_measured_once_on_a_grid_and_near_its_middle(graph, measured):
    table = tfprune.latency_table(graph, repeats=1)
    points = dict(measured)
    assert list(points) == ["a", "b", "head"]  # c is as b
    assert points["b"][:9] == [(i, o) for i in (8, 16, 32) for o in (8, 16, 32)]
    assert points["b"][9:] == [
        (24, 16), (20, 16), (17, 16), (16, 24), (16, 20), (16, 17)
    ]  # fmt: skip
    assert points["a"][:3] == [(1, 8), (1, 16), (1, 32)]
    times = table.layers["c"]
    assert times(32, 16).item() == 32 * 16
    assert times(32, 31).item() == pytest.approx(1.5 * 32 * 31)
    assert times.factors[0][1] == 1.0


def test_an_uneven_width_is_never_held_to_be_faster(graph, monkeypatch):
    monkeypatch.setattr(
        tabulating, "_timed", lambda block, points, *_: [float(p[0] % 4 == 0) for p in points]
    )
    table = tfprune.latency_table(graph, repeats=1)
    assert all(x == 1 for own in table.layers["b"].factors for x in own.values())


def test_what_a_call_costs_is_no_time_of_a_layer(graph, monkeypatch):
    """Every call takes 5 s, and a second for each channel that is handed over."""

    def called(models, setting, repeats):
        filters = [sum(getattr(x, "filters", 0) for x in m.layers) for m in models]
        return [5.0 + m.inputs[0].shape[-1] + n for m, n in zip(models, filters, strict=True)]

    monkeypatch.setattr(tabulating, "_called", called)
    block, setting = blocks(graph)["b"], Setting("keras", 1, None, "wall", device())
    points = [(8, 16), (16, 16), (16, 32)]
    assert tabulating._timed(block, points, setting, 1) == [16, 16, 32]
    monkeypatch.setattr(tabulating, "_called", lambda models, *_: [2.0] * len(models))
    assert tabulating._timed(block, points, setting, 1) == [0.1] * 3  # never nothing


def test_the_whole_model_is_measured_and_one_with_half_of_its_channels(
    graph, measured, monkeypatch
):
    seen = []

    def latencies(models, sizes, runtime, **options):
        seen.append(([m.get_layer("b").filters for m in models], sizes, runtime, options))
        return [(Latency(1, 10.0, 10.0, 1),), (Latency(1, 4.0, 4.0, 1),)]

    monkeypatch.setattr(tabulating, "latencies", latencies)
    table = tfprune.latency_table(graph, "tflite", 7, threads=1, clock="processor", repeats=3)
    ((widths, sizes, runtime, options),) = seen
    assert (widths, sizes, runtime) == ([32, 16], (7,), "tflite")
    assert options == {"threads": 1, "clock": "processor", "repeats": 3}
    whole = 1 * 32 + 2 * 32 * 32 + 1.5 * 5 * 32
    half = 1 * 16 + 2 * 16 * 16 + 1.5 * 5 * 16
    assert table.whole == ((pytest.approx(whole), 10.0), (pytest.approx(half), 4.0))
    for total, taken in table.whole:
        assert table.scale * total + table.constant == pytest.approx(taken)


def table_of(**changes):
    times = LayerTimes(((16, 32), (16, 32)), np.arange(4.0).reshape(2, 2), ({1: 1.25}, {}))
    table = LatencyTable(
        Setting("tflite", 1, 2, "wall", device()), {"b": times}, ((4.0, 2.0), (1.0, 1.0))
    )
    return replace(table, **changes)


def test_two_points_too_near_to_each_other_give_no_slope():
    assert (table_of().scale, table_of().constant) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    near = table_of(whole=((4.0, 2.0), (3.9, 1.0)))
    assert (near.scale, near.constant) == (0.5, 0.0)
    odd = table_of(whole=((4.0, 2.0), (1.0, 2.5)))  # noise: half the model took longer
    assert (odd.scale, odd.constant) == (0.5, 0.0)


def test_a_table_is_kept_in_a_file(tmp_path):
    table = table_of()
    again = LatencyTable.load(table.save(tmp_path / "table.json"))
    assert again.setting == table.setting
    assert again.whole == table.whole
    assert again.layers["b"].to_json() == table.layers["b"].to_json()
    assert again.setting.is_here
    assert repr(again) == "<LatencyTable of 1 layers: tflite, batch of 1, 2000.00 ms>"


def test_a_table_of_another_device_says_so():
    there = {**device(), "processor": "another"}
    assert not replace(table_of().setting, device=there).is_here


@pytest.mark.parametrize(
    "text", ["", "[1]", "{}", '{"format": "other"}', '{"format": "tfprune latency table 1"}']
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(PruningError, match=r"table.json is no latency table: .*latency_ta"):
        LatencyTable.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PruningError, match=r"nowhere.json"):
        LatencyTable.load(tmp_path / "nowhere.json")


def test_a_table_of_another_model_is_refused(graph):
    table_of().require_fit(graph)
    with pytest.raises(PruningError, match=r"'b' has widths \(48, 48\), in the table \(32, 32\)"):
        table_of().require_fit(tfprune.analyse(network(48)))
    with pytest.raises(PruningError, match=r"'net' has no layer x\. Make one for it"):
        table_of(layers={"x": table_of().layers["b"]}).require_fit(graph)


def test_a_model_without_kernels_is_refused():
    x = keras.Input((4,), name="x")
    model = keras.Model(x, L.ReLU()(x), name="bare")
    with pytest.raises(PruningError, match=r"'bare' has no layer with a kernel"):
        tfprune.latency_table(tfprune.analyse(model))


def test_a_real_table_is_of_real_times(graph, tmp_path):
    table = tfprune.latency_table(graph, "tflite", threads=1, repeats=2)
    assert json.loads(table.save(tmp_path / "t.json").read_text())["setting"]["runtime"] == "tflite"
    assert all((own.seconds > 0).all() for own in table.layers.values())
    assert table.layers["b"].seconds.shape == (3, 3)
