"""The search of amounts by what candidates make of the outputs."""

import json

import keras
import numpy as np
import pytest

import tfprune
from tests.selection.test_latency import table_of
from tfprune.errors import PruningError
from tfprune.reconstruction.amounts import Curve, Sensitivity
from tfprune.reconstruction.judging import Judgements, Judging
from tfprune.reconstruction.samples import portions_of
from tfprune.selection.measured_tries import Original


def built(images, width):
    """Two hidden layers: half of the first's channels do nothing, all of the second's count."""
    keras.utils.set_random_seed(0)
    x = keras.Input((6,))
    y = keras.layers.Dense(width, name="idle")(x)
    y = keras.layers.BatchNormalization(name="norm")(y)
    y = keras.layers.Dense(width, name="busy")(keras.layers.ReLU()(y))
    model = keras.Model(x, keras.layers.Dense(3, name="head")(keras.layers.ReLU()(y)))
    kernel, bias = model.get_layer("busy").get_weights()
    kernel[width // 2 :] = 0
    model.get_layer("busy").set_weights([3 * kernel, bias])
    return tfprune.training.recalibrate(model, images)


def wrong_way_round(network):
    """What a measurement would say that has it the wrong way round."""
    graph = tfprune.analyse(network)
    orders = {name: graph.unit[graph.producers[name]][::-1].copy() for name in ("idle", "busy")}
    steps = np.append(np.linspace(0, 7, graph.channels("idle")), np.inf)
    pairs = zip(orders.items(), (9.0, 1.0), strict=True)
    curves = [Curve((name,), order, steps * weight) for (name, order), weight in pairs]
    return Sensitivity(graph, tuple(curves))


@pytest.fixture(scope="module")
def network(images):
    return built(images, 8)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(60, 6)).astype("float32")


@pytest.fixture(scope="module")
def misled(network):
    return wrong_way_round(network)


def harm(measured, images, keep):
    portions = portions_of(measured.graph.model, images)
    return Judging(measured.graph, portions, "batchnorm", 0).harm(keep)


def test_what_is_found_is_nearer_to_the_original_at_the_same_cost(misled, images):
    first = misled.keep(params=0.6)
    found = tfprune.search(misled, images, params=0.6, evaluations=12)
    whole = misled.graph.model.count_params()
    assert tfprune.rebuild(misled.graph, found).count_params() <= 0.6 * whole
    assert found["busy"].sum() > first["busy"].sum()
    assert harm(misled, images, found) < 0.5 * harm(misled, images, first)


def test_one_evaluation_is_what_was_measured(misled, images):
    found, first = (
        tfprune.search(misled, images, params=0.6, evaluations=1),
        misled.keep(params=0.6),
    )
    for name in first:
        np.testing.assert_array_equal(found[name], first[name])


def test_harm_is_the_change_of_the_outputs_over_their_variance(network, images):
    graph = tfprune.analyse(network)
    keep = {"idle": np.arange(8) < 5}
    judging = Judging(graph, portions_of(network, images), "batchnorm", 0)
    rest, held = np.delete(images, np.s_[4::5], axis=0), images[4::5]
    small = tfprune.training.recalibrate(tfprune.rebuild(graph, keep), rest)
    a, b = (model.predict(held, verbose=0).astype("float64") for model in (small, network))
    expected = ((a - b) ** 2).mean() / ((b - b.mean(axis=0)) ** 2).mean()
    np.testing.assert_allclose(judging.harm(keep), expected, rtol=1e-6)
    assert judging.harm({"idle": np.ones(8, bool)}) < 0.2


def test_new_kernels_judge_where_nothing_is_normalised(images):
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((6,)),
        keras.layers.Dense(8, "relu", name="hidden"),
        keras.layers.Dense(2),
    ]
    graph = tfprune.analyse(keras.Sequential(layers))
    measured = tfprune.sensitivity(graph, images)
    with pytest.raises(PruningError, match="has no BatchNormalization"):
        tfprune.search(measured, images, params=0.6)
    keep = tfprune.search(measured, images, params=0.6, judge="reconstruct", evaluations=2)
    assert 0 < keep["hidden"].sum() < 8


def test_a_search_goes_on_from_its_file(misled, images, tmp_path, monkeypatch):
    path = tmp_path / "search.json"
    whole = tfprune.search(misled, images, params=0.6, evaluations=8)
    tfprune.search(misled, images, params=0.6, evaluations=5, path=path)
    judged = json.loads(path.read_text())["harms"]
    counted = []
    own = Judging.harm
    monkeypatch.setattr(Judging, "harm", lambda *args: counted.append(1) or own(*args))
    again = tfprune.search(misled, images, params=0.6, evaluations=8, path=path)
    assert len(counted) == len(json.loads(path.read_text())["harms"]) - len(judged)
    for name in whole:
        np.testing.assert_array_equal(again[name], whole[name])


def test_a_file_of_another_search_is_refused(misled, images, tmp_path):
    path = tmp_path / "search.json"
    tfprune.search(misled, images, params=0.6, evaluations=1, path=path)
    message = "expected what a search of this model, these samples and this judge left"
    with pytest.raises(PruningError, match=message):
        tfprune.search(misled, images[:-1], params=0.6, evaluations=1, path=path)
    path.write_text('{"harms": 3}')
    with pytest.raises(PruningError, match=message):
        Judgements(path, "other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"judge": "batchnrm"}, "Unknown judge of search 'batchnrm'.*batchnorm, reconstruct"),
        ({"evaluations": 0}, "evaluations must be a whole number from 1 on, received 0"),
        ({"seed": -1}, "seed must be a whole number from 0 on, received -1"),
        ({"macs": 0.5}, r"expected one of macs=, params= .*macs=0.5, params=0.6"),
    ],
)
def test_options_out_of_range_are_refused(misled, images, options, message):
    with pytest.raises(PruningError, match=message):
        tfprune.search(misled, images, params=0.6, **options)


def test_too_few_samples_are_refused(misled, images):
    with pytest.raises(PruningError, match="expected 5 samples at least, received 4"):
        tfprune.search(misled, images[:4], params=0.6)


def test_a_latency_is_the_budget_of_every_candidate(misled, images, monkeypatch):
    """On a machine whose time is the multiplications, as the table says, and 0.05 of nothing."""
    table, tries = table_of(misled.graph), []
    whole = tfprune.cost(misled.graph.model).macs

    def share_of(original, keep):
        tries.append(tfprune.cost(tfprune.rebuild(original.graph, keep)).macs / whole)
        return 0.05 + 0.95 * tries[-1]

    monkeypatch.setattr(Original, "share_of", share_of)
    options = {"latency": 0.6, "table": table, "round_to": 1}
    first = misled.keep(**options)
    of_first = len(tries)
    found = tfprune.search(misled, images, **options, evaluations=12)
    assert 0.05 + 0.95 * tries[-1] == pytest.approx(0.6, rel=0.05)
    assert tries[-1] == tfprune.cost(tfprune.rebuild(misled.graph, found)).macs / whole
    # Of the twelve candidates two are measured: the first, and the best.
    assert of_first < len(tries) - of_first <= 3 * of_first
    assert found["busy"].sum() > first["busy"].sum()
    assert harm(misled, images, found) < 0.5 * harm(misled, images, first)


@pytest.mark.parametrize("harder", ["idle", "busy"])
def test_what_the_table_says_of_candidates_need_not_be_so(images, monkeypatch, harder):
    """One layer takes three times as long as the table says, and what is measured is 1 % off."""
    misled, off = wrong_way_round(built(images, 32)), np.random.default_rng(4)
    table = table_of(misled.graph)

    def seconds(model):
        rows = {row.name: row.macs for row in tfprune.cost(model).rows}
        return sum(rows.values()) + 2 * rows[harder]

    def share(keep):
        return seconds(tfprune.rebuild(misled.graph, keep)) / seconds(misled.graph.model)

    monkeypatch.setattr(Original, "share_of", lambda _, keep: share(keep) * off.normal(1, 0.01))
    options = {"latency": 0.6, "table": table, "round_to": 1}
    first, found = misled.keep(**options), tfprune.search(misled, images, **options, evaluations=12)
    assert found["busy"].sum() > first["busy"].sum()
    for keep in (first, found):
        assert share(keep) == pytest.approx(0.6, rel=0.06)


def test_a_latency_is_refused_before_anything_is_judged(misled, images, tmp_path):
    with pytest.raises(PruningError, match=r"none.json cannot be read"):
        tfprune.search(misled, images, latency=0.5, table=tmp_path / "none.json")
    with pytest.raises(PruningError, match="table has no effect with params"):
        tfprune.search(misled, images, params=0.5, table=tmp_path / "none.json")


def test_progress_is_told_of_each_candidate(misled, images):
    told = []
    tfprune.search(misled, images, params=0.6, evaluations=3, progress=lambda *n: told.append(n))
    assert told == [(1, 3), (2, 3), (3, 3)]
