"""With a runtime, widths are multiples of what is fastest there at the same share."""

import keras
import numpy as np
import pytest

import tfprune
from tfprune.costs.timing import Latency
from tfprune.errors import PruningError
from tfprune.pruning import require_possible
from tfprune.selection import rounding
from tfprune.selection.selecting import choose

L = keras.layers


@pytest.fixture(scope="module")
def graph():
    keras.utils.set_random_seed(0)
    x = keras.Input((32,), name="x")
    y = x
    for name in "ab":
        y = L.ReLU(name=f"{name}_relu")(L.Dense(128, name=name)(y))
    return tfprune.analyse(keras.Model(x, L.Dense(3, name="head")(y), name="net"))


@pytest.fixture(scope="module")
def scores(graph):
    return tfprune.score(graph, "random", None, seed=1)


@pytest.fixture
def machine(monkeypatch):
    """A machine that takes a second, and `seconds(widths)` for each pruned model."""
    asked = []

    def install(seconds):
        def latencies(models, sizes, runtime):
            asked.append((sizes, runtime))
            widths = [[model.get_layer(name).units for name in "ab"] for model in models[1:]]
            return [(Latency(1, x, x, 1),) for x in (1.0, *map(seconds, widths))]

        monkeypatch.setattr(rounding, "latencies", latencies)
        return asked

    return install


def divides(size, widths):
    return all(width % size == 0 for width in widths)


def work(widths):
    """About the share of the MACs that is left."""
    a, b = widths
    return (32 * a + a * b + 3 * b) / (32 * 128 + 128 * 128 + 3 * 128)


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (lambda widths: 1.0, 32),  # all alike: the coarsest, though it leaves less, takes less
        (lambda widths: 1.0 if divides(32, widths) else 1.2, 16),
        (lambda widths: 1.5 if divides(8, widths) and not divides(16, widths) else 1.0, 8),
        (lambda widths: 0.8 if divides(4, widths) else 1.0, 1),
        (lambda widths: 0.985 if divides(32, widths) else 1.0, 32),  # no difference worth a width
    ],
)
@pytest.mark.parametrize("amount", ["macs", "params"])
def test_the_rounding_that_leaves_most_for_its_time_is_taken_of_equals_the_coarsest(
    graph, scores, machine, amount, speed, expected
):
    asked = machine(lambda widths: work(widths) / speed(widths))
    keep, (note,) = choose(graph, scores, **{amount: 0.5}, runtime="onnx", batch_size=4)
    wanted = tfprune.select(graph, scores, **{amount: 0.5}, round_to=expected)
    assert all((keep[name] == wanted[name]).all() for name in wanted)
    assert asked == [((4,), "onnx")]
    assert note.startswith(
        f"widths are multiples of {expected}, with which onnx is fastest, batch of 4: of the "
        f"original's {'MACs' if amount == 'macs' else 'weights'} in its time 0."
    )


def test_the_note_says_what_is_left_and_what_it_takes(graph, scores, machine):
    machine(lambda widths: 0.25)
    _, (note,) = choose(graph, scores, macs=0.5, runtime="onnx")
    small = tfprune.rebuild(graph, tfprune.select(graph, scores, macs=0.5, round_to=8))
    left = tfprune.cost(small).macs / tfprune.cost(graph.model).macs
    assert f", {left:.2f} in 0.25 (multiples of 8)," in note


def test_roundings_too_coarse_for_the_share_are_left_out(graph, scores, machine):
    machine(work)
    _, (note,) = choose(graph, scores, macs=0.01, runtime="tflite")
    assert "(multiples of 4)" in note
    assert "(multiples of 8)" not in note  # 8 of 128 channels are too many
    with pytest.raises(PruningError, match=r"macs=0\.0001 cannot be reached"):
        tfprune.select(graph, scores, macs=1e-4, runtime="tflite")


def test_amounts_that_are_measured_take_a_runtime_too(graph, machine):
    asked = machine(work)
    samples = np.random.default_rng(0).normal(size=(40, 32)).astype("float32")
    measured = tfprune.sensitivity(graph, samples)
    keep = measured.keep(params=0.6, runtime="keras")
    wanted = measured.keep(params=0.6, round_to=32)
    assert all((keep[name] == wanted[name]).all() for name in wanted)
    assert asked == [((1,), "keras")]


def test_a_report_says_what_was_taken(graph, machine):
    machine(work)
    _, report = tfprune.prune(graph.model, None, "l1", macs=0.6, runtime="tflite")
    assert "widths are multiples of 32, with which tflite is fastest" in str(report)


def test_real_times_are_measured(graph, scores):
    _, (note,) = choose(graph, scores, macs=0.5, runtime="tflite")
    assert note.count("multiples of ") - 1 == len(rounding.GRANULARITIES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"macs": 0.5, "runtime": "onnx", "round_to": 8},
            r"no effect with macs and round_to: .*al",
        ),
        ({"macs": 0.5, "batch_size": 2}, r"batch_size has no effect with macs: .*give runtime="),
        ({"macs": 0.5, "table": "t", "runtime": "onnx"}, r"table and runtime has no effect with m"),
        ({"macs": 0.5, "runtime": "tensorrt"}, r"'tensorrt'.*tflite"),
        ({"macs": 0.5, "runtime": "onnx", "batch_size": 0}, r"batch_size must be a whole number"),
    ],
)
def test_what_has_no_effect_is_refused_before_scoring(graph, options, message):
    with pytest.raises(PruningError, match=message):
        require_possible(graph.model, "l1", **options)


def test_a_threshold_cannot_be_rounded(graph):
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype("float32")
    x = keras.Input((8, 8, 3))
    model = keras.Sequential([x, L.Conv2D(8, 3), L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(2)])
    with pytest.raises(PruningError, match="similarity: runtime has no effect on a threshold"):
        tfprune.prune(model, images, "similarity", macs=0.5, runtime="tflite")
