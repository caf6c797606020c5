"""Where a statistic spans the channels, verification measures the difference and says why."""

import keras
import numpy as np
import pytest

import tfprune
from tests.graph.rules.test_units import INEXACT
from tests.toy_models import TOYS, random_keep


@pytest.mark.parametrize("name", INEXACT)
def test_the_difference_is_reported_and_not_refused(name, tmp_path):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model, allow_inexact=True)
    keep = random_keep({"a": toy.inexact["a"]}, 0)
    small = tfprune.rebuild(graph, keep)
    check = tfprune.verify(graph, keep, small)
    assert not check.exact
    assert 1e-4 < check.relative < 10
    (words,) = toy.why.values()
    assert len(check.inexact) == 1
    assert words in check.inexact[0]
    assert words in str(check)
    small.save(tmp_path / "small.keras")
    keras.models.load_model(tmp_path / "small.keras")


@pytest.mark.parametrize("name", INEXACT)
def test_what_is_exact_in_such_a_model_stays_exact(name):
    toy = TOYS[name]()
    graph = tfprune.analyse(toy.model, allow_inexact=True)
    keep = {"b": np.array([True, False, True, False])}
    check = tfprune.verify(graph, keep, tfprune.rebuild(graph, keep))
    assert check.exact
    assert check.inexact == ()


def test_layer_norm_is_taken_over_what_is_left():
    toy = TOYS["layer_norm"]()
    keep = {"a": np.array([True, False, True, True, False, True])}
    small = tfprune.rebuild(tfprune.analyse(toy.model, allow_inexact=True), keep)
    image = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    a = np.asarray(toy.model.get_layer("a")(image))[..., keep["a"]]
    gamma, beta = (w.numpy()[keep["a"]] for w in toy.model.get_layer("norm").weights)
    spread = np.sqrt(a.var(-1, keepdims=True) + toy.model.get_layer("norm").epsilon)
    expected = (a - a.mean(-1, keepdims=True)) / spread * gamma + beta
    got = keras.Model(small.input, small.get_layer("norm").output)(image)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
