"""Steps towards a target: their sizes, fresh scores, and masks in terms of the whole model."""

import numpy as np
import pytest

import tfprune
from tests.schedules.test_layerwise import residual
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
    best = seen[0].argmax()
    assert reports[0].keep["last"][best]
    assert not reports[1].keep["last"][best]
    assert reports[1].keep["last"].sum() == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 2}, "expected one target of ratio, macs and params, received none"),
        ({"steps": 2, "ratio": 0.5, "macs": 0.5}, "received ratio and macs"),
        ({"steps": 2, "threshold": 0.5}, "received none"),
        ({"steps": 1, "ratio": 0.5}, "steps of 2 or more, received 1"),
        ({"steps": 2, "ratio": 0.5, "course": "square"}, "Unknown course .* 'square'.*cubic, lin"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(PruningError, match=message):
        iterative(residual(), None, idle, method="l1", **options)


def test_an_iterator_cannot_be_read_twice():
    batches = iter([(np.zeros((4, 6, 6, 3), "float32"), np.zeros(4))])
    with pytest.raises(PruningError, match="read once per step, which an iterator does not allow"):
        iterative(residual(), batches, idle, method="gfbs", steps=2, ratio=0.5)
