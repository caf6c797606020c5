"""The benchmark of latencies: rows say what was promised by MACs and what was gained."""

import argparse
import contextlib
import itertools

import keras
import pytest

import tfprune
from benchmarks import latency
from tfprune.costs.timing import Latency


def network():
    x = keras.Input((64,), name="x")
    y = keras.layers.ReLU(name="r")(keras.layers.Dense(64, name="hidden")(x))
    return keras.Model(x, keras.layers.Dense(4, name="head")(y), name="net")


def test_a_row_holds_the_gain_beside_what_the_macs_promise():
    model = network()
    graph = tfprune.analyse(model)
    ((what, small),) = latency.variants(graph, 0.5, (16,))
    assert what == "multiples of 16"
    assert small.get_layer("hidden").units == 32
    times = Latency(1, 9e-3, 8e-3, 5, (8e-3, 10e-3)), Latency(1, 6e-3, 5e-3, 5, (5e-3, 7e-3))
    row = latency.row("Net", what, model, small, times)
    assert (row["promised"], row["gained"], row["share"]) == ("2.00", "1.50", "0.75")
    assert row["after_quartiles_ms"] == "5.00 to 7.00"


@contextlib.contextmanager
def ready(model, runtime, threads):
    assert isinstance(model, keras.Model)
    assert threads == 1
    yield argparse.Namespace(runtime=runtime)


@pytest.mark.parametrize("aim", [None, [0.5, 0.7]])
def test_every_network_is_measured_in_every_runtime(monkeypatch, tmp_path, aim):
    monkeypatch.setitem(latency.NETWORKS, "Net", network)
    small = tfprune.rebuild(tfprune.analyse(network()), {})
    monkeypatch.setattr(latency, "aimed", lambda *args: (f"latency={args[1]}", small))
    asked, taken = [], itertools.cycle([0.9, 0.25, 0.5])

    def of_runners(runners, size, *, clock, repeats, anew):
        asked.append((len(runners), size, runners[0].runtime, clock, anew))
        seconds = [1.0, *[next(taken)] * (len(runners) - 1)]
        return [Latency(size, x, x, repeats, runtime=runners[0].runtime) for x in seconds]

    monkeypatch.setattr(latency, "of_runners", of_runners)
    monkeypatch.setattr(latency, "Runner", ready)
    options = argparse.Namespace(
        networks=["Net"], runtimes=["tflite", "keras"], roundings=[1, 16], macs=0.5, latency=aim,
        batch=None, repeats=1, tables=tmp_path, copies=3,
    )  # fmt: skip
    found = list(latency.measured(options))
    each = ["latency=0.5", "latency=0.7"] if aim else ["multiples of 1", "multiples of 16"]
    runtimes = (("tflite", 1), ("keras", 8))
    assert [(row["runtime"], row["batch"], row["widths"]) for row in found] == [
        (name, size, what) for name, size in runtimes for what in each
    ]
    assert {row["gained"] for row in found} == {"2.00"}  # the middle of three: 1 / 0.5
    together = [2] * 6 if aim else [3] * 3
    assert asked == [(count, size, name, "processor", True)
                     for name, size in runtimes for count in together]  # fmt: skip


def test_a_share_that_is_missed_is_told_and_passed_over(monkeypatch, tmp_path, capsys):
    def aimed(graph, share, *args):
        if share == 0.1:
            raise tfprune.PruningError("latency=0.1 was missed")
        return "found", graph.model

    monkeypatch.setattr(latency, "aimed", aimed)
    options = argparse.Namespace(latency=[0.1, 0.5], tables=tmp_path)
    graph = tfprune.analyse(network())
    found = [what for ((what, _),) in latency._each_aimed(graph, "onnx", 1, options)]
    assert found == ["found"]
    assert "net, onnx: latency=0.1 was missed" in capsys.readouterr().out


def test_a_table_is_made_once(monkeypatch, tmp_path):
    graph = tfprune.analyse(network())
    made = []

    class Table:
        def save(self, path):
            path.write_text("")

    monkeypatch.setattr(tfprune, "latency_table", lambda *args, **_: made.append(args) or Table())
    monkeypatch.setattr(tfprune, "select", lambda graph, scores, latency, table: {})
    for _ in range(2):
        what, small = latency.aimed(graph, 0.5, "tflite", 1, tmp_path / "tables")
    assert what == "latency=0.5"
    assert small.count_params() == graph.model.count_params()
    assert [args[1:] for args in made] == [("tflite", 1)]
