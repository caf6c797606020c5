"""The order of calls, the sums that layers complete, and the last use of each tensor."""

import keras
import pytest
from keras import layers

import tfprune
from tests.toy_models import TOYS
from tfprune.passes.tape import record
from tfprune.reconstruction.plan import Plan

KERNELS = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.SeparableConv2D,
           layers.Conv2DTranspose)  # fmt: skip


def plan_of(model):
    return Plan(record(tfprune.analyse(model)), lambda operation: type(operation) in KERNELS)


def names(plan):
    return [(step.operation.name, step.call) for step in plan.order]


def reached(plan):
    """Calls that the outputs need, found backwards."""
    found, stack = set(), list(plan.tape.outputs)
    while stack:
        step = plan.maker.get(stack.pop())
        if step is not None and step not in found:
            found.add(step)
            stack += step.needs
    return found


@pytest.mark.filterwarnings("ignore:Layer 'block':UserWarning")  # it destroys a mask
@pytest.mark.parametrize("name", TOYS)
def test_every_toy_can_be_walked(name):
    """Each call once, after all that it needs; no tensor is asked for after its last use."""
    plan = plan_of(TOYS[name]().model)
    order = plan.order
    assert len(order) == len(set(order))
    assert set(order) == reached(plan)
    there, last, dropped = set(plan.tape.inputs), plan.last_uses(), set()
    for place, step in enumerate(order):
        assert set(step.needs) <= there - dropped
        there.update(step.outputs)
        dropped |= {n for n in {*step.needs, *step.outputs} if last.get(n) == place}
    kept = there - dropped
    unread = {n for n in plan.tape.inputs if n not in plan.readers}
    assert kept - unread <= set(plan.tape.outputs) <= there
    for layer, aim in plan.aims.items():
        before = {n for s in order[: order.index(layer)] for n in s.outputs} | set(plan.tape.inputs)
        free = {n for n in aim.others if n in plan.maker and not plan.depends(plan.maker[n], layer)}
        assert free <= before


def residual(depth, norm=True):
    """image -> made -> [b, (bn), relu] x depth -> last -> (bn) -> Add <- shortcut <- made."""
    image = keras.Input((4, 4, 3))
    made = layers.Conv2D(4, 1, name="made")(image)
    x = made
    for i in range(depth):
        x = layers.ReLU(name=f"relu{i}")(layers.Conv2D(4, 1, name=f"b{i}")(x))
    x = layers.Conv2D(4, 1, name="last")(x)
    if norm:
        x = layers.BatchNormalization(name="bn")(x)
    shortcut = layers.Conv2D(4, 1, name="shortcut")(made)
    y = layers.Add(name="add")([layers.Dropout(0.5, name="drop")(x), shortcut])
    return keras.Model(image, layers.Conv2D(2, 1, name="head")(y))


@pytest.mark.parametrize("norm", [True, False])
def test_the_other_terms_come_before_the_layer_that_completes_a_sum(norm):
    plan = plan_of(residual(2, norm))
    ((layer, aim),) = plan.aims.items()
    assert layer.operation.name == "last"
    assert aim.total.operation.name == "add"
    assert (aim.norm is not None) == norm
    assert [plan.maker[n].operation.name for n in aim.others] == ["shortcut"]
    assert plan.maker[aim.mine].operation.name == "drop"
    order = [name for name, _ in names(plan)]
    assert order.index("shortcut") < order.index("last")


def test_the_deepest_term_completes_a_sum():
    plan = plan_of(residual(0))  # both branches are one convolution; the norm makes no difference
    assert len(plan.aims) == 1
    plan = plan_of(residual(1))
    assert [layer.operation.name for layer in plan.aims] == ["last"]


def test_a_term_that_others_read_too_completes_nothing():
    image = keras.Input((4,))
    x = layers.Dense(3, name="a")(image)
    y = layers.Dense(3, name="b")(x)
    total = layers.Add()([x, y])
    read_twice = plan_of(keras.Model(image, [total, layers.Dense(2, name="c")(y)]))
    assert not read_twice.aims
    as_output = plan_of(keras.Model(image, [total, y]))
    assert not as_output.aims
    alone = plan_of(keras.Model(image, total))
    assert [layer.operation.name for layer in alone.aims] == ["b"]


def test_a_layer_behind_an_activation_completes_nothing():
    image = keras.Input((4,))
    x, y = (layers.ReLU()(layers.Dense(3, name=name)(image)) for name in "ab")
    assert not plan_of(keras.Model(image, layers.Add()([x, y]))).aims


def test_a_tensor_added_to_itself_is_no_sum_to_complete():
    image = keras.Input((4,))
    x = layers.Dense(3)(image)
    assert not plan_of(keras.Model(image, layers.Add()([x, x]))).aims


def test_all_inputs_of_a_shared_layer_come_before_its_first_call():
    image = keras.Input((4,))
    shared = layers.Dense(3, name="shared")
    first = shared(layers.Dense(4, name="a")(image))
    second = shared(layers.ReLU(name="relu")(layers.Dense(4, name="b")(image)))
    plan = plan_of(keras.Model(image, [first, second]))
    order = names(plan)
    assert order.index(("relu", 0)) < order.index(("shared", 0))


def test_layers_shared_crosswise_do_not_wait_for_each_other():
    """p reads what q makes, and q what p makes."""
    image, other = keras.Input((4,)), keras.Input((4,))
    p, q = layers.Dense(4, name="p"), layers.Dense(4, name="q")
    x, y = p(image), q(other)
    plan = plan_of(keras.Model([image, other], [layers.Average()([x, y]), q(x), p(y)]))
    assert [(s.operation.name, s.call) for s in plan.tape.steps][:2] == [("q", 0), ("p", 0)]
    assert len(plan.order) == 5


def test_a_chain_of_sums_ends():
    """Each sum is read by the next branch and by the next sum."""
    image = keras.Input((4,))
    x = layers.Dense(4)(image)
    for i in range(6):
        x = layers.Add()([x, layers.Dense(4, name=f"branch{i}")(layers.ReLU()(x))])
    plan = plan_of(keras.Model(image, x))
    assert [layer.operation.name for layer in plan.aims] == [f"branch{i}" for i in range(6)]


def test_depends():
    plan = plan_of(residual(1))
    step = {s.operation.name: s for s in plan.tape.steps}
    assert plan.depends(step["add"], step["made"])
    assert plan.depends(step["last"], step["b0"])
    assert not plan.depends(step["shortcut"], step["last"])
    assert not plan.depends(step["made"], step["add"])
