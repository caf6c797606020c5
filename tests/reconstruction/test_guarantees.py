"""What holds for every reconstruction: never worse, nothing changed but the copy, repeatable."""

import tempfile

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.oracle import masked_outputs
from tests.reconstruction.networks import error, images, pruned, residual, weights


@pytest.fixture(scope="module")
def case():
    model = residual()
    graph, keep, small = pruned(model)
    better, found = tfprune.reconstruct(graph, keep, small, images())
    return model, graph, keep, small, better, found


def test_a_masked_copy_is_never_better(case):
    model, _, keep, _, better, found = case
    wanted = [np.asarray(model(images()))]
    masked = masked_outputs(model, keep, images())
    masked_error = sum(((a - b) ** 2).sum() for a, b in zip(wanted, masked, strict=True))
    assert error(wanted, better, images()) < 0.5 * masked_error
    assert found.after < found.before
    assert found.samples == 80


def test_the_reported_errors_are_those_of_the_samples_held_out(case):
    model, _, _, small, better, found = case
    held = images()[4::5]
    wanted = np.asarray(model(held), np.float64)
    spread = ((wanted - np.asarray(model(images()), np.float64).mean(0)) ** 2).sum()
    for share, pruned_model in ((found.before, small), (found.after, better)):
        assert share == pytest.approx(error([wanted], pruned_model, held) / spread, rel=1e-4)


def test_each_layer_that_is_fitted_gets_better_on_samples_held_out(case):
    fits = case[-1].layers
    assert [fit.layer for fit in fits] == ["stem", "a", "shortcut", "b", "head"]
    assert all(fit.after < fit.before for fit in fits if fit.ridge is not None)
    assert sum(fit.ridge is not None for fit in fits) >= 3
    assert "layers solved anew from 80 samples" in str(case[-1])


@pytest.mark.parametrize("aim", ["sum", "own"])
def test_nothing_that_was_given_is_changed(aim):
    model = residual()
    graph, keep, small = pruned(model)
    model.compile("sgd", "mse")
    data = images().copy()
    before = weights(model), weights(small), {name: mask.copy() for name, mask in keep.items()}
    activations = [getattr(layer, "activation", None) for layer in model.layers + small.layers]
    better, _ = tfprune.reconstruct(graph, keep, small, data, aim=aim)
    assert weights(better) != before[1]
    assert (weights(model), weights(small)) == before[:2]
    assert all(np.array_equal(before[2][name], mask) for name, mask in keep.items())
    np.testing.assert_array_equal(data, images())
    assert activations == [getattr(x, "activation", None) for x in model.layers + small.layers]
    assert [x.get_config() for x in better.layers] == [x.get_config() for x in small.layers]


def test_a_model_that_lost_nothing_keeps_its_weights_to_the_bit():
    model = residual()
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, {})
    better, found = tfprune.reconstruct(graph, {}, small, images())
    assert weights(better) == weights(small) == weights(model)
    assert all(fit.ridge is None for fit in found.layers)
    assert found.before == found.after == 0
    assert any("the outputs got no better" in line for line in found.observations)


def test_weights_that_make_the_outputs_no_better_are_not_taken():
    """Nothing that is below a ReLU which is never reached makes a difference."""
    image = keras.Input((4,))
    x = layers.Dense(6, activation="relu", name="a")(image)
    x = layers.Dense(2, bias_initializer=keras.initializers.Constant(-99.0), name="b")(x)
    model = keras.Model(image, layers.ReLU()(x))
    graph = tfprune.analyse(model)
    keep = {"a": np.array([True] * 3 + [False] * 3)}
    small = tfprune.rebuild(graph, keep)
    data = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    better, found = tfprune.reconstruct(graph, keep, small, data)
    assert any(fit.ridge is not None for fit in found.layers)
    assert weights(better) == weights(small)
    assert found.before == found.after
    assert any("the weights stay as they were" in line for line in found.observations)


def test_the_compile_state_stays():
    graph, keep, small = pruned(residual())
    small.compile(keras.optimizers.SGD(0.25), "mse", metrics=["mae"])
    better, _ = tfprune.reconstruct(graph, keep, small, images())
    assert better.optimizer is not small.optimizer
    assert float(better.optimizer.learning_rate) == 0.25
    assert better.loss == "mse"


def test_the_result_reloads(case, tmp_path):
    better = case[4]
    better.save(tmp_path / "better.keras")
    again = keras.models.load_model(tmp_path / "better.keras")
    np.testing.assert_array_equal(again(images()), better(images()))
    assert {name: len(ids) for name, ids in tfprune.analyse(again).producers.items()} == {
        name: int(mask.sum()) for name, mask in case[2].items()
    }


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "mixed_float16"])
def test_half_precision(policy):
    model = residual(policy)
    graph, keep, small = pruned(model)
    better, found = tfprune.reconstruct(graph, keep, small, images())
    assert [v.dtype for v in better.variables] == [v.dtype for v in small.variables]
    wanted = [np.asarray(keras.ops.cast(model(images()), "float32"))]
    assert error(wanted, better, images()) < 0.5 * error(wanted, small, images())
    assert found.after < 0.5 * found.before


def test_memory_makes_no_difference(case, tmp_path, monkeypatch):
    """With everything on disk each weight is the same to the bit; the folder goes."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _, graph, keep, small, better, _ = case
    saved = []
    monkeypatch.setattr(np, "save", lambda *a, save=np.save: (saved.append(a[0]), save(*a)))
    again, _ = tfprune.reconstruct(graph, keep, small, images(), memory_gb=1e-9)
    assert len(saved) > 10
    assert weights(again) == weights(better)
    assert not list(tmp_path.iterdir())


def test_the_folder_goes_after_an_interruption(case, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _, graph, keep, small, *_ = case
    seen = []

    def stop(done, of):
        seen.append(len(list(tmp_path.glob("*/*.npy"))))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tfprune.reconstruct(graph, keep, small, images(), memory_gb=1e-9, progress=stop)
    assert max(seen) > 0
    assert not list(tmp_path.iterdir())


def test_the_callers_batches_make_no_difference(case):
    _, graph, keep, small, better, _ = case
    labels = np.zeros(80)
    batches = [(images()[i : i + 7], labels[i : i + 7]) for i in range(0, 80, 7)]
    again, _ = tfprune.reconstruct(graph, keep, small, batches)
    assert weights(again) == weights(better)


def test_the_seed_draws_the_positions():
    """300 images have 10,800 positions, more than 64 for each of at most 72 columns."""
    graph, keep, small = pruned(residual())
    results = [
        weights(tfprune.reconstruct(graph, keep, small, images(300), seed=seed)[0])
        for seed in (0, 0, 1)
    ]
    assert results[0] == results[1] != results[2]


def test_progress_is_told_call_by_call(case):
    _, graph, keep, small, *_ = case
    told = []
    tfprune.reconstruct(graph, keep, small, images(), progress=lambda *x: told.append(x))
    assert told == [(i + 1, 11) for i in range(11)]


def test_the_sum_is_aimed_at():
    """The last layer of a branch mends what the shortcut has lost."""
    image = keras.Input((6, 6, 4))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(image)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="a")(x)
    y = layers.Conv2D(6, 3, padding="same", name="b")(y)
    z = layers.Conv2D(6, 1, name="shortcut")(x)
    model = keras.Model(image, layers.Add(name="add")([y, z]))
    keras.utils.set_random_seed(3)
    graph = tfprune.analyse(model)
    keep = {"stem": np.arange(8) < 4}
    small = tfprune.rebuild(graph, keep)
    data = np.random.default_rng(0).normal(size=(60, 6, 6, 4)).astype("float32")
    found = {a: tfprune.reconstruct(graph, keep, small, data, aim=a)[1] for a in ("sum", "own")}
    assert found["sum"].after < 0.9 * found["own"].after < found["own"].before
