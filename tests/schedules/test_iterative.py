"""Steps towards a target: their sizes, fresh scores, and masks in terms of the whole model."""

from itertools import pairwise

import keras
import numpy as np
import pytest

import tfprune
from tests.schedules.test_layer_by_layer import residual
from tfprune import PruningError
from tfprune.schedules import COURSES, iterative


def idle(model, name):
    return model


@pytest.mark.parametrize("course", ["linear", "cubic"])
def test_courses_lead_from_nothing_to_everything(course):
    shares = [COURSES[course](t) for t in np.linspace(0, 1, 11)]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert (np.diff(shares) > 0).all()


def test_the_cubic_course_is_that_of_its_paper():
    assert [COURSES["cubic"](t) for t in (0.5, 0.25)] == [1 - 0.5**3, 1 - 0.75**3]


@pytest.mark.parametrize(
    ("kind", "goal"), [("macs", [0.8, 0.6, 0.4]), ("params", [0.8, 0.6, 0.4]), ("ratio", None)]
)
def test_each_step_is_a_part_of_the_target(kind, goal):
    model, shares = residual(), []
    whole = {"macs": tfprune.cost(model).macs, "params": model.count_params()}
    target = 0.5 if kind == "ratio" else 0.4

    def look(small, name):
        now = {"macs": tfprune.cost(small).macs, "params": small.count_params()}
        if kind != "ratio":
            shares.append(now[kind] / whole[kind])
        return small

    options = {kind: target, "method": "l1", "steps": 3, "course": "linear"}
    small, reports = iterative(model, None, look, **options)
    keep = reports[-1].keep
    look(small, "end")
    assert len(reports) == 3
    if goal:
        np.testing.assert_allclose(shares, goal, atol=0.06)
    else:
        assert [small.get_layer(n).filters for n in ("stem", "conv1", "last")] == [4, 3, 3]
    # The masks say the same of the unpruned model.
    again = tfprune.rebuild(tfprune.analyse(model), keep)
    for one, other in zip(small.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_every_step_scores_the_trained_model():
    """Training that makes the worst channels the best changes what the next step removes."""
    seen = []

    def invert(model, name):
        kernel, bias = model.get_layer("last").get_weights()
        seen.append(np.abs(kernel).sum((0, 1, 2)))
        scale = np.where(np.arange(kernel.shape[-1]) == seen[-1].argmax(), 1e-3, 1.0)
        model.get_layer("last").set_weights([kernel * scale, bias])
        return model

    _, reports = iterative(
        residual(), None, invert, method="l1", steps=2, course="linear", ratio=0.5
    )
    best = np.flatnonzero(reports[0].keep["last"])[seen[0].argmax()]  # among all channels
    assert not reports[1].keep["last"][best]
    assert reports[1].keep["last"].sum() == 3


def wide():
    """Three uneven layers, of which a target cuts now one further, now another."""
    x = image = keras.Input((6,))
    for name, width in (("a", 9), ("b", 14), ("c", 5)):
        x = keras.layers.Dense(width, activation="relu", name=name)(x)
    return keras.Model(image, keras.layers.Dense(2, name="head")(x))


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("kind", ["ratio", "macs", "params"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in (1, 2))])
def test_what_is_gone_stays_gone_over_many_steps(kind, scope, seed):
    keras.utils.set_random_seed(seed)
    model = wide()
    small, reports = iterative(
        model, None, idle, method="l1", steps=8, course="linear", scope=scope, **{kind: 0.4}
    )
    for before, after in pairwise(report.keep for report in reports):
        assert all((before[name] >= after[name]).all() for name in before)
    again = tfprune.rebuild(tfprune.analyse(model), reports[-1].keep)
    for one, other in zip(small.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_rescued_layer_does_not_grow_back(monkeypatch):
    """GFI-AP's rescue lets a layer lose less in a later step than in an earlier one."""
    keras.utils.set_random_seed(0)  # some draws answer nothing but zeros once they are cut
    rng = np.random.default_rng(0)
    model = wide()
    data = rng.standard_normal((60, 6)).astype("float32")

    def fixed(graph, criterion, batches, **options):
        own = {n: np.abs(graph.owners[n].operation.get_weights()[0]).sum(0) for n in "abc"}
        return tfprune.Scores("gfi", own, "adaptive", "global")

    monkeypatch.setattr("tfprune.schedules._choice.score", fixed)
    small, reports = iterative(model, data, idle, method="gfi", steps=4, ratio=0.7)
    keep = reports[-1].keep
    assert [small.get_layer(name).units for name in "abc"] == [keep[n].sum() for n in "abc"]


def test_steps_of_an_earlier_run_are_taken_as_they_were():
    model, asked = residual(), []

    def recall(name, choose):
        asked.append(name)
        keep = choose()
        return keep | {"last": np.array([True, False, False, False, True])}

    small, reports = iterative(
        model, None, idle, method="l1", steps=2, ratio=0.5, include="last", recall=recall
    )
    assert asked == ["step 1", "step 2"]
    assert reports[0].keep["last"].tolist() == [True, False, False, False, True]
    assert small.get_layer("last").filters == 2


def test_a_method_that_compares_channels_is_refused(monkeypatch):
    monkeypatch.setattr("tfprune.schedules._choice.score", None)  # refused before
    images = np.zeros((4, 6, 6, 3), "float32")
    with pytest.raises(PruningError, match="one score per channel, but 'similarity' compares"):
        iterative(residual(), images, idle, method="similarity", steps=2, macs=0.5)


def test_the_target_of_the_method_s_paper_is_taken(monkeypatch):
    def fixed(graph, criterion, batches, **options):
        return tfprune.Scores("gfbs", tfprune.score(graph, "l1", None), "border", "global")

    monkeypatch.setattr("tfprune.schedules._choice.score", fixed)
    model = residual()
    found, expected = (
        iterative(model, [], idle, method="gfbs", steps=2, **amount)[1][-1].keep
        for amount in ({}, {"ratio": 0.7})
    )
    for name, mask in expected.items():
        assert found[name].sum() == mask.sum(), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 2}, "expected one target of ratio, macs and params, received none"),
        ({"steps": 2, "ratio": 0.5, "macs": 0.5}, "received ratio and macs"),
        ({"steps": 2, "threshold": 0.5}, "received threshold: .*Ask for ratio, macs or params in"),
        ({"steps": 2, "counts": {"stem": 4}}, "received counts: a step is a part of a target"),
        ({"steps": 2, "ratio": 0.5, "counts": {"stem": 4}}, "received ratio and counts"),
        ({"steps": 2, "method": "fgp"}, r"received threshold \(as 'fgp' by itself\): a step is"),
        ({"steps": 1, "ratio": 0.5}, "steps of 2 or more, received 1"),
        ({"steps": 2, "ratio": 0.5, "course": "square"}, "Unknown course .* 'square'.*cubic, lin"),
    ],
)
def test_requests_that_no_steps_can_meet_are_refused(options, message):
    with pytest.raises(PruningError, match=message):
        iterative(residual(), None, idle, **{"method": "l1"} | options)


def test_an_iterator_cannot_be_read_twice():
    batches = iter([(np.zeros((4, 6, 6, 3), "float32"), np.zeros(4))])
    with pytest.raises(PruningError, match="read once per step, which an iterator does not allow"):
        iterative(residual(), batches, idle, method="gfbs", steps=2, ratio=0.5)
