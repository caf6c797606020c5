"""Measured harm: against the masked model itself, and what becomes of it in `prune`."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError
from tfprune.passes.progress import telling


@pytest.fixture(scope="module")
def net():
    """A residual net with batch normalisation and statistics of its own images."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    x = start = layers.ReLU()(layers.BatchNormalization(name="stem_norm")(x))
    x = layers.Conv2D(12, 3, padding="same", name="inner")(x)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="outer")(layers.ReLU()(x))
    x = layers.ReLU()(layers.Add()([layers.BatchNormalization(name="norm")(x), start]))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(4, name="head")(x))
    return tfprune.training.recalibrate(model, [images(256)])


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 8, 8, 3)).astype("float32")


@pytest.fixture(scope="module")
def measured(net):
    return tfprune.sensitivity(tfprune.analyse(net), images(150))


def test_every_set_of_coupled_channels_has_a_curve_that_never_falls(measured):
    layers_of = sorted(curve.layers for curve in measured.curves)
    assert layers_of == [("inner",), ("stem", "outer")]
    for curve in measured.curves:
        assert len(set(curve.units.tolist())) == len(curve.units) == len(curve.harm) - 1
        assert curve.harm[0] == 0
        assert (np.diff(curve.harm) >= 0).all()
        assert 0 < curve.harm[len(curve.units) // 2] < np.inf
        assert curve.harm[-1] == np.inf  # one unit stays


def test_the_harm_is_that_of_a_reader_solved_anew_without_those_channels(net, measured):
    """`outer` alone reads `inner`: least squares without half of it is what is measured."""
    curve = next(curve for curve in measured.curves if curve.layers == ("inner",))
    gone, x = curve.units[:6], images(150)
    graph = measured.graph
    left = ~np.isin(graph.units_of("inner"), gone)
    tap = keras.Model(net.input, [net.get_layer("outer").input, net.get_layer("outer").output])
    before, wanted = (np.asarray(y, np.float64) for y in tap.predict(x, verbose=0))
    patches = windows(before)
    columns = patches[..., left].reshape(-1, 9 * int(left.sum()))
    best, *_ = np.linalg.lstsq(
        np.c_[columns, np.ones(len(columns))], wanted.reshape(-1, 8), rcond=None
    )
    masked = keras.models.clone_model(net)
    masked.set_weights(net.get_weights())
    kernel = np.zeros((3, 3, 12, 8), "float32")
    kernel[:, :, left] = best[:-1].reshape(3, 3, -1, 8)
    masked.get_layer("outer").set_weights([kernel])
    norm = masked.get_layer("norm")
    norm.moving_mean.assign(norm.moving_mean.numpy() - best[-1])
    a, b = (np.asarray(m.predict(x[:100], verbose=0), np.float64) for m in (net, masked))
    harm = ((a - b) ** 2).sum() / ((a - a.mean(axis=0)) ** 2).sum()
    assert curve.harm[6] == pytest.approx(harm, rel=0.1)


def windows(maps):
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    return np.stack(shifted, axis=3)


def test_measuring_changes_neither_model_nor_images(net):
    before, x = net.get_weights(), images(60)
    copy = x.copy()
    tfprune.sensitivity(tfprune.analyse(net), x)
    assert all((a == b).all() for a, b in zip(before, net.get_weights(), strict=True))
    assert (x == copy).all()


def test_given_scores_say_which_channels_go_first(net):
    graph = tfprune.analyse(net)
    scores = tfprune.score(graph, "random", None, seed=1)
    keep = tfprune.sensitivity(graph, images(60), scores).keep(macs=0.6)
    gone = ~keep["inner"]
    assert gone.any()
    assert scores["inner"][gone].max() < scores["inner"][~gone].min()


def test_excluded_layers_stay_whole(net):
    found = tfprune.sensitivity(tfprune.analyse(net), images(60), exclude="stem")
    assert [curve.layers for curve in found.curves] == [("inner",)]


def test_progress_is_told_after_every_set(net):
    told = []
    tfprune.sensitivity(tfprune.analyse(net), images(60), progress=lambda *x: told.append(x))
    assert told == [(1, 2), (2, 2)]


def test_prune_with_measured_amounts_is_the_three_calls(net):
    x = images(100)
    small, report = tfprune.prune(
        net, x, method="l2", macs=0.6, scope="sensitivity", reconstruct=True
    )
    graph = tfprune.analyse(net)
    keep = tfprune.sensitivity(graph, x, tfprune.score(graph, "l2", None)).keep(macs=0.6)
    assert all((report.keep[name] == mask).all() for name, mask in keep.items())
    same, _ = tfprune.reconstruct(graph, keep, tfprune.rebuild(graph, keep), x)
    for a, b in zip(small.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert report.reconstruction.after < report.reconstruction.before
    assert "layers solved anew from 100 samples" in str(report)
    assert {"reconstruct", "verify"} <= set(report.seconds)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ratio": 0.5, "scope": "sensitivity"},
            "give macs=, params= or latency=, the",
        ),
        ({"scope": "sensitivity"}, "received none"),
        ({"macs": 0.5, "calibration": images(2)}, "calibration has no effect without"),
        ({"macs": 0.5, "reconstruct": "yes"}, "reconstruct must be True or False"),
    ],
)
def test_prune_refuses_what_has_no_effect_or_no_budget(net, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.prune(net, images(4), method="l2", **options)


def test_samples_are_needed_and_read_twice(net):
    with pytest.raises(PruningError, match="reconstruct=True needs unlabelled samples"):
        tfprune.prune(net, None, method="l2", macs=0.5, reconstruct=True)
    with pytest.raises(PruningError, match="reads the data once more"):
        tfprune.prune(net, iter([images(4)]), method="l2", macs=0.5, reconstruct=True)


def test_select_says_where_measured_amounts_are_to_be_had(net):
    graph = tfprune.analyse(net)
    with pytest.raises(PruningError, match=r"need samples: tfprune.sensitivity\(graph"):
        tfprune.select(graph, tfprune.score(graph, "l2", None), macs=0.5, scope="sensitivity")


def test_what_comes_before_the_first_set_is_told_too(net):
    heard = []

    class Ear:
        def hear(self, what, done, of, left=None):
            heard.append((what, done, of))

    with telling(Ear()):
        tfprune.sensitivity(tfprune.analyse(net), images(60))
    calls = [(done, of) for what, done, of in heard if what == "calls of layers"]
    assert calls[0] == (0, calls[-1][1])
    assert [done for done, _ in calls[:3]] == [0, 1, 2]
    assert calls[-1][0] == calls[-2][0] == calls[-1][1]
    first = [what for what, *_ in heard].index("sets of channels")
    assert heard[first + 1][0] == "calls of layers"
