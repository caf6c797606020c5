"""A share of the time: chosen by the table, measured on the whole, the aim corrected."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

import tfprune
from tfprune.costs.timing import LatencyTable
from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import LayerTimes
from tfprune.costs.timing.table import Setting, device
from tfprune.errors import PruningError
from tfprune.selection import aiming, measured_tries
from tfprune.selection._budget import OutOfReachError, budget_of
from tfprune.selection.measured_tries import Original, Try, nearest_try
from tfprune.selection.request import Request
from tfprune.selection.rounded_widths import roundings_by_worth
from tfprune.selection.selecting import choose
from tfprune.surgery.masks import kept_ids

L = keras.layers


@pytest.fixture(scope="module")
def graph():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = image
    for name, width in (("a", 64), ("b", 64), ("c", 128)):
        x = L.ReLU(name=f"{name}_relu")(L.Conv2D(width, 3, padding="same", name=name)(x))
    x = L.GlobalAveragePooling2D(name="pool")(x)
    return tfprune.analyse(keras.Model(image, L.Dense(5, name="head")(x), name="net"))


@pytest.fixture(scope="module")
def scores(graph):
    return tfprune.score(graph, "random", None, seed=1)


def table_of(graph, odd=1.0, constant=0.0):
    """A machine that takes 1 ns a multiplication, `odd` times that where no 16 divides a width."""
    layers = {}
    for name, block in blocks(graph).items():
        slot = next(s for s in block.owner.slots.values() if s.weight in block.owner.times)
        fixed = np.prod(block.owner.operation.weights[slot.weight].shape) / np.prod(block.widths)
        grids = tuple((width // 2, width) if may else (width,)
                      for width, may in zip(block.widths, block.free, strict=True))  # fmt: skip
        cost = 1e-9 * fixed * block.owner.times[slot.weight]
        seconds = cost * np.multiply.outer(*(np.array(own, float) for own in grids))
        factors = tuple({8: odd, 4: odd, 1: odd} if may else {} for may in block.free)
        layers[name] = LayerTimes(grids, seconds, factors)
    total = sum(own(*block.widths).item() for own, block in
                zip(layers.values(), blocks(graph).values(), strict=True))  # fmt: skip
    whole = ((total, total + constant), (total / 2, total / 2 + constant))
    return LatencyTable(Setting("tflite", 1, 1, "processor", device()), layers, whole)


@pytest.fixture
def machine(monkeypatch):
    """Let the whole model take `share(macs left)`, and list the MACs left of each try."""
    tries = []

    def install(share):
        def share_of(original, keep):
            whole = original.graph
            small = tfprune.rebuild(whole, keep)
            tries.append(tfprune.cost(small).macs / tfprune.cost(whole.model).macs)
            return share(tries[-1])

        monkeypatch.setattr(Original, "share_of", share_of)
        return tries

    return install


def test_where_time_is_multiplications_a_latency_is_a_share_of_the_macs(graph, scores, machine):
    tries = machine(lambda macs: macs)
    keep, notes = choose(graph, scores, latency=0.5, table=table_of(graph), round_to=1)
    wanted = tfprune.select(graph, scores, macs=0.5)
    assert all((keep[name] == wanted[name]).all() for name in wanted)
    assert tries == [tries[0]] * 2  # what hits is measured once more
    assert notes == [
        f"latency=0.5: {tries[0]:.3f} of the original's, measured in tflite, batch of 1; widths "
        "are multiples of 1"
    ]


def test_time_that_no_width_changes_is_counted(graph, scores, machine):
    total = table_of(graph).whole[0][0]
    machine(lambda macs: (1 + macs) / 2)
    table = table_of(graph, constant=total)
    keep = tfprune.select(graph, scores, latency=0.75, table=table, round_to=1)
    wanted = tfprune.select(graph, scores, macs=0.5)
    assert all((keep[name] == wanted[name]).all() for name in wanted)


def test_the_aim_is_corrected_by_what_was_measured(graph, scores, machine):
    tries = machine(lambda macs: 0.1 + 0.9 * macs)  # the table knows nothing of the tenth
    _, (note,) = choose(graph, scores, latency=0.5, table=table_of(graph), round_to=1)
    assert tries[0] == pytest.approx(0.5, abs=0.02)
    assert 0.1 + 0.9 * tries[-1] == pytest.approx(0.5, rel=0.02)
    assert f"{0.1 + 0.9 * tries[-1]:.3f} of the original's" in note


def test_what_hits_by_chance_does_not_count(graph, scores, monkeypatch):
    """Measured as 0.5, then as 0.6: it is 0.6, and the aim is corrected by that."""
    measured, aims = iter([0.5, 0.6]), []

    def share_of(original, keep):
        small = tfprune.cost(tfprune.rebuild(graph, keep)).macs / tfprune.cost(graph.model).macs
        aims.append(small)
        return next(measured, small * 1.2)

    monkeypatch.setattr(Original, "share_of", share_of)
    _, (note,) = choose(graph, scores, latency=0.5, table=table_of(graph), round_to=1)
    assert aims[0] == aims[1] == pytest.approx(0.5, abs=0.02)
    assert aims[-1] == aims[-2] == pytest.approx(0.5 / 1.2, rel=0.02)
    assert f"{1.2 * aims[-1]:.3f} of the original's" in note


@pytest.mark.parametrize(("odd", "expected"), [(1.0, 16), (1.5, 16)])
def test_widths_are_rounded_where_that_costs_nothing_or_pays(graph, scores, machine, odd, expected):
    machine(lambda macs: 0.5)
    keep = tfprune.select(graph, scores, latency=0.5, table=table_of(graph, odd))
    assert all(mask.sum() % expected == 0 for name, mask in keep.items() if name != "head")


def test_the_rounding_that_keeps_most_is_taken(graph, monkeypatch):
    """Here a rounding to 16 keeps next to nothing."""
    table = table_of(graph)
    request = Request(latency=0.5, table=table)

    def masks(request):
        share = {16: 0.1}.get(request.round_to, 0.5)
        keep = {name: np.arange(len(ids)) < share * len(ids)
                for name, ids in graph.producers.items()}  # fmt: skip
        keep["head"][:] = True
        if request.round_to == 4:
            raise OutOfReachError("out of reach", 0.6)
        return keep, []

    # Weights by time: of less of every layer less of both, but the fixed inputs and classes weigh.
    worth = {}
    for size in (32, 16, 8, 1):
        kept = kept_ids(graph, masks(replace(request, round_to=size))[0])
        weights = budget_of(graph, Request(params=1.0))(kept)
        worth[size] = weights / budget_of(graph, request)(kept)
    best = max(worth.values())
    expected = max(size for size, found in worth.items() if found >= 0.98 * best)
    assert roundings_by_worth(graph, request, masks) == [
        size for size in (32, 16, 8, 1) if size <= expected
    ]


def test_one_may_ask_for_odd_widths(graph, scores, machine):
    machine(lambda macs: 0.5)
    keep = tfprune.select(graph, scores, latency=0.5, table=table_of(graph, 1.5), round_to=1)
    assert any(mask.sum() % 4 for name, mask in keep.items() if name != "head")


def test_elsewhere_the_prediction_has_to_do(graph, scores, monkeypatch):
    table = table_of(graph)
    there = replace(table.setting, device={**device(), "processor": "Cortex"})
    monkeypatch.setattr(aiming, "Original", None)
    keep, (note,) = choose(
        graph, scores, latency=0.5, table=replace(table, setting=there), round_to=1
    )
    wanted = tfprune.select(graph, scores, macs=0.5)
    assert all((keep[name] == wanted[name]).all() for name in wanted)
    told = r"latency=0.5: 0.(49|50)\d of the original's, predicted for Cortex, not measured; "
    assert re.fullmatch(told + "widths are multiples of 1", note)


def test_what_the_table_itself_says_misses_the_share_is_no_choice(graph, scores):
    """Of eight channels in steps of four: half or all of them, and neither is 0.9."""
    x = keras.Input((4,), name="x")
    small = keras.Model(x, L.Dense(4, name="head")(L.Dense(8, name="a")(x)))
    graph = tfprune.analyse(small)
    scores = tfprune.score(graph, "random", None, seed=1)
    table = table_of(graph)
    there = replace(table.setting, device={**device(), "processor": "Cortex"})
    options = {"latency": 0.88, "table": replace(table, setting=there)}
    assert tfprune.select(graph, scores, **options)["a"].sum() == 7
    with pytest.raises(PruningError, match=r"0.88 was missed: .* takes 1\.000, predicted\. Ask"):
        tfprune.select(graph, scores, **options, round_to=4)


@pytest.mark.parametrize("share", [1.2, 0.8, 0.3])
def test_what_misses_the_share_is_refused(graph, scores, machine, share):
    machine(lambda macs: share)
    with pytest.raises(PruningError, match=rf"latency=0.5 was missed: .*{share}00, measured"):
        tfprune.select(graph, scores, latency=0.5, table=table_of(graph), round_to=16)


def test_a_result_that_is_no_faster_is_refused_though_it_is_near(graph, scores, machine):
    machine(lambda macs: 1.0)
    with pytest.raises(PruningError, match=r"0.98 was missed: .*1.000, .*leave round_to out"):
        tfprune.select(graph, scores, latency=0.98, table=table_of(graph), round_to=1)


def test_a_share_that_the_table_holds_out_of_reach_is_measured_before_it_is_refused(
    graph, scores, machine
):
    tries = machine(lambda macs: 0.3)
    with pytest.raises(PruningError, match=r"missed: .* 0\.300, .*latency=0.0001 cannot be reach"):
        tfprune.select(graph, scores, latency=1e-4, table=table_of(graph))
    assert tries


def test_a_table_that_says_too_little_of_a_network_refuses_nothing(graph, scores, machine):
    """Calls that cost more than the layers: the sum says that widths hardly matter."""
    total = table_of(graph).whole[0][0]
    table = table_of(graph, constant=3 * total)
    with pytest.raises(OutOfReachError, match=r"0.5 cannot be reached: .*0.75. of the model"):
        budget_of(graph, Request(latency=0.5, table=table)).require(
            3.01 * total, "with all", "wait"
        )
    tries = machine(lambda macs: macs)
    keep = tfprune.select(graph, scores, latency=0.5, table=table, round_to=1)
    assert tries[-1] == pytest.approx(0.5, rel=0.05)
    assert tfprune.cost(tfprune.rebuild(graph, keep)).macs == pytest.approx(
        0.5 * tfprune.cost(graph.model).macs, rel=0.05
    )


def test_widths_too_coarse_for_the_share_are_tried_finer(monkeypatch):
    asked = []

    def tries(graph, original, request, choose):
        asked.append(request.round_to)
        if request.round_to == 32:
            raise OutOfReachError("too coarse", 1.2)
        distance = {16: 0.04, 8: 0.01, 1: 0.0}[request.round_to]
        yield Try({}, [], request, 0.5 + 0.5 * distance, 0.5, confirmed=True)

    monkeypatch.setattr(measured_tries, "_tries", tries)
    requests = [Request(latency=0.5, round_to=size) for size in (32, 16, 8, 1)]
    assert nearest_try(None, None, requests, None).round_to == 8
    assert asked == [32, 16, 8]
    assert nearest_try(None, None, requests[:2], None).round_to == 16
    with pytest.raises(OutOfReachError, match="too coarse"):
        nearest_try(None, None, requests[:1], None)


def test_what_is_nearest_by_chance_is_not_the_choice(monkeypatch):
    """Of two shares that both miss, 0.52 was 0.56 in truth, and 0.53 was."""
    measured = {"lucky": iter([0.52, 0.56]), "other": iter([0.53, 0.525])}

    class Machine:
        def share_of(self, keep):
            return next(measured[keep])

    def tries(graph, original, request, choose):
        for keep in measured:
            yield Try(keep, [], request, original.share_of(keep), 0.5)

    monkeypatch.setattr(measured_tries, "_tries", tries)
    found = nearest_try(None, Machine(), [Request(latency=0.5)], None)
    assert (found.keep, found.share) == ("other", 0.525)
    assert [next(own, "all measured") for own in measured.values()] == ["all measured"] * 2


def test_amounts_that_are_measured_keep_to_a_latency(graph, machine):
    machine(lambda macs: macs)
    images = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")
    found = tfprune.sensitivity(graph, images)
    keep = found.keep(latency=0.5, table=table_of(graph), round_to=1)
    wanted = found.keep(macs=0.5)
    assert all((keep[name] == wanted[name]).all() for name in wanted)
    with pytest.raises(PruningError, match=r"expected one of macs=, params= and latency="):
        found.keep(latency=0.5, macs=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0.5, "runtime": "onnx"}, r"runtime has no effect with ratio"),
        ({"ratio": 0.5, "table": "t.json"}, r"table has no effect with ratio"),
        ({"latency": 1.5}, r"latency must lie in \(0, 1\]"),
        ({"latency": 0.5, "runtime": "tensorrt"}, r"'tensorrt'.*tflite"),
        (
            {"latency": 0.5, "table": "t.json", "runtime": "onnx"},
            r"runtime has no effect with a ta",
        ),
        ({"latency": 0.5, "table": "t.json"}, r"t\.json cannot be read"),
        ({"latency": 0.5, "batch_size": 0}, r"batch_size must be a whole number"),
    ],
)
def test_what_cannot_be_is_refused_before_scoring(graph, scores, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.prune(graph.model, None, "l1", **options)


def test_the_table_is_measured_where_none_is_given(graph, scores, machine, monkeypatch):
    machine(lambda macs: macs)
    asked = []

    def measure(graph, runtime, batch_size):
        asked.append((runtime, batch_size))
        return table_of(graph)

    monkeypatch.setattr(aiming, "latency_table", measure)
    tfprune.select(graph, scores, latency=0.5)
    tfprune.select(graph, scores, latency=0.5, runtime="onnx", batch_size=4)
    assert asked == [("keras", 1), ("onnx", 4)]


@pytest.mark.slow
def test_a_real_network_takes_the_time_that_was_asked_for(graph, scores):
    table = tfprune.latency_table(graph, "tflite", threads=1, clock="processor")
    keep = tfprune.select(graph, scores, latency=0.5, table=table)
    models = (graph.model, tfprune.rebuild(graph, keep))
    (before,), (after,) = tfprune.timing.latencies(
        models, runtime="tflite", threads=1, clock="processor", repeats=100
    )
    assert after.seconds / before.seconds == pytest.approx(0.5, rel=0.1)
