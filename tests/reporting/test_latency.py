"""Measured times: plausible, of the batch asked for, and refused where they mean nothing."""

import time

import keras
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.reporting import latency as module
from tfprune.reporting import measure_latencies, measure_latency


def dense(units=2):
    x = keras.Input((4,), name="x")
    return keras.Model(x, keras.layers.Dense(units, name="d")(x))


def test_the_median_and_the_least_of_the_repeats(monkeypatch):
    times = iter([5.0, 1.0, 2.0])
    monkeypatch.setattr(module, "_timed", lambda call: next(times))
    latency = measure_latency(dense(), batch_size=4, repeats=3, warm_up=0)
    assert (latency.batch_size, latency.seconds, latency.fastest, latency.repeats) == (4, 2, 1, 3)
    assert latency.quartiles == (1.5, 3.5)  # halfway from 1 to 2, and from 2 to 5


def test_models_are_timed_by_turns(monkeypatch):
    times = iter([1.0, 10.0, 2.0, 20.0, 3.0, 30.0])
    monkeypatch.setattr(module, "_timed", lambda call: next(times))
    first, second = measure_latencies([dense(), dense()], repeats=3, warm_up=0)
    assert (first.seconds, second.seconds) == (2.0, 20.0)


def test_a_call_is_timed(monkeypatch):
    clock = iter([10.0, 13.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert measure_latency(dense(), repeats=1, warm_up=1).seconds == 3.0


def test_every_call_has_the_batch_and_dtype_asked_for():
    seen = []

    class Watched(keras.layers.Layer):
        def call(self, x):
            tf.py_function(lambda y: seen.append((y.shape, y.dtype)), [x], [])
            return x

    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    watched = keras.Model(image, Watched(dtype="uint8", name="watched")(image))
    measure_latency(watched, batch_size=7, repeats=2, warm_up=1)
    assert seen == [((7, 32, 32, 3), tf.uint8)] * 3


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"repeats": 0}, {"warm_up": -1}])
def test_sizes_are_checked(wrong):
    value = next(iter(wrong.values()))
    with pytest.raises(PruningError, match=rf"batch_size >= 1.*received .*{value}"):
        measure_latency(dense(), **wrong)


def test_several_inputs_are_refused():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    with pytest.raises(PruningError, match=r"one input, received 2"):
        measure_latency(keras.Model([a, b], keras.layers.Add(name="sum")([a, b])))
