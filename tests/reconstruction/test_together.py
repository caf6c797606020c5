"""All weights moved together after the layers were solved, judged on samples held out."""

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tests.reconstruction.networks import error, images, pruned, residual, weights
from tfprune.passes.keeping import Steps
from tfprune.reconstruction.together import Together


def samples():
    return np.random.default_rng(3).normal(size=(1000, 6)).astype("float32")


@pytest.fixture(scope="module")
def case():
    """Two layers that lost half of their units, which have to be moved together to mend that."""
    keras.utils.set_random_seed(0)
    x = layers.Dense(16, activation="relu", name="a")(image := keras.Input((6,)))
    x = layers.BatchNormalization()(x)
    x = layers.Dense(16, activation="relu", name="b")(x)
    model = keras.Model(image, layers.Dense(2)(x))
    graph = tfprune.analyse(model)
    keep = {"a": np.arange(16) < 8, "b": np.arange(16) < 8}
    small = tfprune.rebuild(graph, keep)
    solved, alone = tfprune.reconstruct(graph, keep, small, samples())
    told = []
    moved, found = tfprune.reconstruct(
        graph, keep, small, samples(), passes=20, progress=lambda *counts: told.append(counts)
    )
    return model, solved, alone, moved, found, told


def held_out(model, other):
    data = samples()[4::5]
    return error([np.asarray(model(data))], other, data)


def test_moving_all_weights_lessens_what_solving_layers_left(case):
    model, solved, _, moved, _, _ = case
    assert held_out(model, moved) < 0.8 * held_out(model, solved)


def test_the_reported_error_follows_the_one_on_the_samples_held_out(case):
    model, solved, alone, moved, found, _ = case
    factor = held_out(model, moved) / held_out(model, solved)
    assert found.after / alone.after == pytest.approx(factor, rel=1e-3)
    assert f"all weights together: the outputs' error times {factor:.2f} after" in str(found)


def test_statistics_of_normalisations_stay(case):
    solved, moved = case[1], case[3]
    for old, new in zip(solved.non_trainable_variables, moved.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert weights(solved) != weights(moved)


def test_progress_counts_calls_and_passes(case):
    told = case[-1]
    total = told[0][1]
    assert [done for done, _ in told] == list(range(1, total + 1))
    assert {of for _, of in told} == {total}


def test_what_is_perfect_already_stays_to_the_bit():
    model = residual()
    graph = tfprune.analyse(model)
    small = tfprune.rebuild(graph, {})
    moved, found = tfprune.reconstruct(graph, {}, small, images(), passes=2)
    assert weights(moved) == weights(model)
    assert "2 passes over all weights together made nothing better" in str(found)


def test_outputs_count_by_their_own_spread():
    """The error is that of numpy: a mean over outputs, each over its variance."""
    image = keras.Input((3,))
    model = keras.Model(image, [layers.Dense(2)(image), layers.Dense(1)(image)])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10, 3)).astype("float32")
    goals = [rng.normal(size=(10, 2)).astype("float32"),
             100 * rng.normal(size=(10, 1)).astype("float32")]  # fmt: skip
    held = np.arange(10) % 5 == 4
    found = [np.asarray(y) for y in model(x)]
    (before,) = Together(model, [[keras.ops.convert_to_tensor(x)]], goals, held).run(
        0, 0, lambda: None, Steps(None)
    )
    shares = [
        np.mean((y - goal)[held] ** 2) / np.var(goal - goal.mean(0))
        for y, goal in zip(found, goals, strict=True)
    ]
    assert before == pytest.approx(np.mean(shares), rel=1e-5)


@pytest.mark.parametrize("passes", [-1, 1.5, True, "3"])
def test_passes_that_are_no_number_of_times_are_refused(passes):
    model = residual()
    graph, keep, small = pruned(model)
    with pytest.raises(tfprune.PruningError, match="passes must be a whole number from 0 on"):
        tfprune.reconstruct(graph, keep, small, images(), passes=passes)


def test_a_model_for_batches_of_one_size_is_refused():
    image = keras.Input((4,), batch_size=8)
    x = layers.Dense(6, activation="relu", name="a")(image)
    model = keras.Model(image, layers.Dense(2)(x), name="fixed")
    graph = tfprune.analyse(model)
    keep = {"a": np.arange(6) < 3}
    small = tfprune.rebuild(graph, keep)
    data = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    with pytest.raises(tfprune.PruningError, match="'fixed' takes 8 samples at a time. Leave"):
        tfprune.reconstruct(graph, keep, small, data, passes=1)


def test_of_several_workers_the_chief_alone_looks_at_the_samples(on_three):
    image = keras.Input((3,))
    first = keras.Model(image, layers.Dense(2)(image))
    models = [first, *map(keras.models.clone_model, [first] * 3)]
    for other in models[1:]:
        other.set_weights(first.get_weights())
    rng = np.random.default_rng(0)
    x, goal = rng.normal(size=(90, 3)).astype("float32"), rng.normal(size=(90, 2))
    goals, held = [goal.astype("float32")], np.arange(90) % 5 == 4

    def unread():
        raise AssertionError
        yield

    def moved(number):
        portions = [[keras.ops.convert_to_tensor(x[i : i + 50])] for i in (0, 50)]
        given = unread() if number in {1, 2} else portions
        together = Together(models[number], given, goals, held)
        return together.run(2, 0, lambda: None, Steps(None))

    alone = moved(3)
    assert alone[-1] < alone[0]
    assert on_three(moved) == [alone] * 3
    for other in models[:3]:
        assert weights(other) == weights(models[3])
