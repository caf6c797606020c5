"""A search space over methods and amounts."""

import keras
import numpy as np
import pytest

from tfprune.errors import PruningError
from tfprune.tuner import hypermodel


def network(compiled=True):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(16, activation="relu", name="hidden"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    if compiled:
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                      metrics=["accuracy"])  # fmt: skip
    return model


class Chosen:
    """Hyperparameters that are given, and what was asked."""

    def __init__(self, method, amount):
        self.method, self.amount, self.asked = method, amount, {}

    def Choice(self, name, values):
        self.asked[name] = values
        return self.method

    def Float(self, name, low, high):
        self.asked[name] = (low, high)
        return self.amount


def test_the_tuner_s_choice_is_pruned_and_can_be_trained():
    model = network()
    chosen = Chosen("l2", 0.25)
    small = hypermodel(model, None, methods=["l1", "l2"], amount="ratio")(chosen)
    assert chosen.asked == {"method": ["l1", "l2"], "ratio": (0.3, 0.9)}
    norms = np.linalg.norm(np.vstack(model.get_layer("hidden").get_weights()[:1]), axis=0)
    kept = np.sort(np.argsort(norms)[4:])
    np.testing.assert_array_equal(
        small.get_layer("hidden").get_weights()[0],
        model.get_layer("hidden").get_weights()[0][:, kept],
    )
    small.fit(np.zeros((4, 4)), np.zeros(4), verbose=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # KerasTuner's own
def test_a_real_tuner_searches_it(tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner")
    tuner = keras_tuner.RandomSearch(
        hypermodel(network(), None), "val_accuracy", max_trials=2, directory=tmp_path, seed=0
    )
    x, y = np.random.default_rng(0).normal(size=(16, 4)), np.arange(16) % 2
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    (best,) = tuner.get_best_hyperparameters()
    assert 0.3 <= best.values["macs"] <= 0.9
    assert best.values["method"] in ("l1", "l2")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"methods": []}, r"expected a list of methods, received \[\]"),
        ({"methods": "l1"}, "received 'l1'"),
        ({"amount": "threshold"}, "'macs', 'params' or 'ratio', received 'threshold'"),
        ({"between": (0.9, 0.3)}, r"the lower first; received \(0.9, 0.3\)"),
        ({"methods": ["l3"]}, "l3"),
        ({"exclude": "nothing*"}, "nothing"),
    ],
)
def test_what_no_trial_could_do_is_refused_at_once(options, match):
    with pytest.raises(PruningError, match=match):
        hypermodel(network(), None, **options)


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(PruningError, match=r"is not compiled.*Call model.compile"):
        hypermodel(network(compiled=False), None)


def test_an_amount_is_not_given_twice():
    with pytest.raises(PruningError, match="macs=0.5 stands beside amount='macs'"):
        hypermodel(network(), None, macs=0.5)
