"""Soft pruning: zeros that may grow back, and the same cut at the end."""

import keras
import numpy as np
import pytest

import tfprune
from tests.schedules.test_layer_by_layer import residual
from tfprune.schedules import SoftPruning, soft
from tfprune.schedules.soft import zero


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((32, 6, 6, 3)).astype("float32"), rng.integers(0, 3, 32)


def dead(model, name):
    kernel = model.get_layer(name).get_weights()[0]
    return (kernel == 0).all(axis=(0, 1, 2))


def test_zeroed_filters_are_those_that_would_go():
    model = residual()
    graph = tfprune.analyse(model)
    keep = tfprune.select(graph, tfprune.score(graph, "l2", None), ratio=0.5)
    before = model.get_layer("bn0").get_weights()
    zero(graph, keep)
    for name in ("stem", "conv1", "conv2", "last"):
        np.testing.assert_array_equal(dead(model, name), ~keep[name])
        assert (model.get_layer(name).get_weights()[1][~keep[name]] == 0).all()
    for old, new in zip(before, model.get_layer("bn0").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_filters_train_on_after_they_were_zeroed():
    grown = []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = dead(self.model, "conv1")

        def on_train_batch_end(self, batch, logs=None):
            grown.append((self.start & ~dead(self.model, "conv1")).any())

    callbacks = [Look(), SoftPruning(ratio=0.5)]
    trained, _ = tfprune.fine_tune(
        residual(), data(), epochs=2, learning_rate=0.5, batch_size=32, callbacks=callbacks
    )
    assert dead(trained, "conv1").sum() == 3
    assert grown[-1]  # in the second epoch, of those zeroed after the first


def test_the_end_is_a_cut_of_what_was_zeroed():
    called = []

    def train(model, name, callbacks):
        called.append(name)
        trained, _ = tfprune.fine_tune(
            model, data(), epochs=1, learning_rate=0.05, batch_size=32, callbacks=callbacks
        )
        called.append(trained)
        return trained

    small, report = soft(residual(), None, train, ratio=0.5)
    assert called[0] == "soft"
    for name in ("conv1", "last"):
        np.testing.assert_array_equal(dead(called[1], name), ~report.keep[name])
        assert small.get_layer(name).filters == report.keep[name].sum()
    assert report.method == "l2"


def test_options_are_refused_as_by_prune():
    for options, message in (
        ({}, "expected exactly one of ratio, .*received none"),
        ({"ratoi": 0.5}, "Unknown option of prune with method 'l2' 'ratoi'"),
        ({"data": iter([data()]), "ratio": 0.5}, "read after each epoch, which an iterator"),
    ):
        with pytest.raises(tfprune.PruningError, match=message):
            SoftPruning(**options)


def test_methods_bring_their_amounts_and_their_selectors_options():
    assert SoftPruning([data()], "gfbs").selection.request.ratio == 0.7
    callback = SoftPruning([data()], "gfi", ratio=0.3, cap=True, allow_inexact=True)
    assert callback.selection.request.ratio == 0.3
    assert callback.selection.own == {"cap": True}
    assert callback.inexact
