"""The speed benchmark's own parts: turns, ratios, and a peer that is not there."""

import sys

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks import keras_tasks
from benchmarks.measuring import Timing, interleaved, peak_memory, resident_memory
from benchmarks.peer import Peer, PeerError
from benchmarks.results import Result, comma_separated, summary


def test_tasks_run_by_turns_and_the_first_rounds_do_not_count():
    order = []
    ticks = iter(range(100))

    def task(name):
        order.append(name)
        return float(next(ticks))

    times = interleaved({"a": lambda: task("a"), "b": lambda: task("b")}, rounds=3, warm_up=1)
    assert order == ["a", "b"] * 4
    assert times == {"a": Timing((2.0, 4.0, 6.0)), "b": Timing((3.0, 5.0, 7.0))}
    assert (times["a"].median, times["a"].least) == (4, 2)


def test_ratios_stand_in_the_table():
    times = {"analyse": Timing((0.01,)), "peer graph": Timing((0.1,)), "all": Timing((0.3,)),
             "floor": Timing((0.2,))}  # fmt: skip
    result = Result("net", 100, times, (1.25, 1.5))
    last = summary([result]).splitlines()[-1].split()
    assert last == ["net", "100", "10.0", "100", "0.10", "300", "1.50", "-", "1.25", "1.50"]
    assert "net,100,analyse,10.0,10.0,1" in comma_separated([result])
    assert "net,100,memory/models,1.25,,1" in comma_separated([result])


def test_floor_has_the_shapes_of_the_model_and_only_zeros():
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x + 1.0)
    model = keras.Model(image, layers.Dense(2, name="classes")(x))
    clone = keras_tasks.floor(model)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    assert not any(np.any(w.numpy()) for w in clone.weights)
    assert np.any(model.get_layer("conv").kernel.numpy())


def test_halving_leaves_half_of_the_channels():
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 3, name="conv")(image)
    small = keras_tasks.halve(keras.Model(image, layers.Dense(2, name="classes")(x)))
    assert small.get_layer("conv").filters == 4


@pytest.mark.skipif(resident_memory() is None, reason="needs Linux' record of peak memory")
def test_peak_memory_sees_what_is_gone_at_the_end():
    peak, result = peak_memory(lambda: np.ones(5_000_000).sum())
    assert result == 5_000_000
    assert 35e6 < peak < 60e6  # 40 MB, of which a page or two was there before


def test_no_such_interpreter_is_said():
    with pytest.raises(PeerError, match=r"no interpreter '/no/python'.*expected a Python"):
        Peer("/no/python")


def test_an_interpreter_without_torch_is_said():
    with pytest.raises(PeerError, match="ended: ModuleNotFoundError: No module named 'torch'"):
        Peer(sys.executable)
