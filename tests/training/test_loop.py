import csv
import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

import tfprune.data
from tfprune.errors import PruningError
from tfprune.training import History, Recipe, evaluate, fine_tune

from .toys import QUIET_FIT, blobs, largest_difference, linear, network


def batches(count=48, size=16, seed=0):
    return tf.data.Dataset.from_tensor_slices(blobs(count, seed=seed)).batch(size)


class Diary(keras.callbacks.Callback):
    """Writes down every call with the names in its logs."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if not name.startswith("on_"):
            return found

        def call(*arguments, **named):
            given = [a for a in (*arguments, *named.values()) if isinstance(a, int)]
            logs = [a for a in (*arguments, *named.values()) if isinstance(a, dict)]
            self.calls.append((name, *given, *sorted(set(*logs) - {"learning_rate"})))
            return found(*arguments, **named)

        return call


def compiled(model, **settings):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy",
        metrics=["accuracy"], **settings,
    )  # fmt: skip
    return copy


@QUIET_FIT
def test_it_trains_as_fit_does():
    model, data, held_out = network(), batches(45), batches(20, seed=1)
    model.get_layer("head").kernel_regularizer = keras.regularizers.L2(0.01)
    reference = compiled(model)
    expected = reference.fit(data, epochs=3, verbose=0, validation_data=held_out).history
    trained, history = fine_tune(
        model, data, validation=held_out, restore_best=False, epochs=3, learning_rate=0.1
    )
    assert largest_difference(trained, reference) < 2e-6
    assert largest_difference(trained, model) > 0.01
    for name, values in expected.items():
        np.testing.assert_allclose(history.metrics[name], values, rtol=1e-5)
    assert set(history.metrics) == {*expected, "learning_rate"}


@QUIET_FIT
def test_it_calls_the_callbacks_as_fit_does():
    model, data, held_out = network(), batches(45), batches(20, seed=1)
    fits, ours = Diary(), Diary()
    compiled(model).fit(data, epochs=2, verbose=0, validation_data=held_out, callbacks=[fits])
    fine_tune(model, data, validation=held_out, epochs=2, callbacks=[ours])
    assert ours.calls == fits.calls
    assert ours.params == {"verbose": 0, "epochs": 2, "steps": 3} == fits.params
    assert len(ours.calls) > 20


def test_the_model_is_not_changed_and_the_result_is_stock():
    model, data = network(), blobs()
    before, config = model.get_weights(), model.get_config()
    trained, history = fine_tune(model, data, epochs=2, learning_rate=0.1)
    for left, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(left, right)
    assert model.get_config() == config == trained.get_config()
    assert not model.compiled
    assert not trained.compiled
    assert isinstance(history, History)
    assert history.best_epoch is history.best_row is None


def test_settings_change_the_recipe():
    data = blobs()
    by_recipe, _ = fine_tune(linear(), data, recipe=Recipe(epochs=3, learning_rate=0.3), epochs=2)
    by_settings, history = fine_tune(linear(), data, epochs=2, learning_rate=0.3)
    assert largest_difference(by_recipe, by_settings) == 0
    assert history.metrics["learning_rate"] == [pytest.approx(0.3)] * 2


def test_the_seed_decides_on_order_and_dropout():
    data, model = blobs(), network(dropout=0.5)
    first, again, other = (fine_tune(model, data, epochs=2, seed=s)[0] for s in (3, 3, 4))
    assert largest_difference(first, again) == 0
    assert largest_difference(first, other) > 1e-3


def test_a_split_is_learned():
    digits = tfprune.data.load("digits")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    data = digits.train.epochs(64, shuffle=True, seed=1)
    trained, history = fine_tune(
        model, data, validation=digits.validation.epochs(200), epochs=3, learning_rate=0.05,
        schedule="one_cycle",
    )  # fmt: skip
    assert evaluate(trained, digits.test.epochs(200))["accuracy"] > 0.9
    assert len(set(history.metrics["learning_rate"])) == 3


def test_the_best_epoch_by_the_validation_split_is_returned():
    model, held_out = linear(), batches(20, seed=1)
    # Steps far too long: the later epochs are worse than the first ones.
    settings = {
        "validation": held_out, "epochs": 4, "learning_rate": 0.5, "momentum": 0.95,
        "batch_size": 8,
    }  # fmt: skip
    best, history = fine_tune(model, blobs(), **settings)
    accuracies = history.metrics["val_accuracy"]
    assert history.best_epoch == int(np.argmax(accuracies)) != 3
    assert history.best_row == history.best_epoch + 1  # as metrics.csv counts
    assert evaluate(best, held_out)["accuracy"] == pytest.approx(max(accuracies))
    last, history = fine_tune(model, blobs(), restore_best=False, **settings)
    assert history.best_epoch is None
    assert evaluate(last, held_out)["accuracy"] == pytest.approx(accuracies[-1])
    assert accuracies[-1] < max(accuracies)


def test_of_equally_accurate_epochs_the_one_with_the_lowest_loss_is_best():
    x, labels = blobs()
    all_right = x[labels == 0], labels[labels == 0]
    model = linear()
    kernel, bias = model.get_weights()
    model.set_weights([kernel * 0, bias + np.eye(len(bias), dtype="float32")[0]])
    _, history = fine_tune(model, all_right, validation=all_right, epochs=4, learning_rate=0.1)
    assert set(history.metrics["val_accuracy"]) == {1.0}
    assert history.best_epoch == 3


def test_the_lowest_loss_is_best_where_there_is_no_accuracy():
    x, _ = blobs()
    data = x, x[:, :3]
    settings = {"validation": data, "loss": "mse", "epochs": 4, "learning_rate": 0.4}
    trained, history = fine_tune(linear(), data, **settings)
    losses = history.metrics["val_loss"]
    assert history.best_epoch == int(np.argmin(losses))
    assert evaluate(trained, data, loss="mse")["loss"] == pytest.approx(min(losses))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_comes_near_and_returns_the_models_policy(precision):
    model, data = network(), blobs()
    settings = {"epochs": 3, "learning_rate": 0.1, "weight_decay": 0.01}
    exact, _ = fine_tune(model, data, **settings)
    mixed, _ = fine_tune(model, data, precision=precision, **settings)
    assert 0 < largest_difference(exact, mixed) < 0.02 < largest_difference(exact, model)
    assert {layer.compute_dtype for layer in mixed.layers} == {"float32"}


def test_early_stopping_csv_and_checkpoint_callbacks_work(tmp_path):
    x, labels = blobs()
    callbacks = [
        keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        keras.callbacks.TerminateOnNaN(),
    ]
    _, history = fine_tune(
        network(), (x, labels), validation=(x, labels), epochs=9, callbacks=callbacks
    )
    assert len(history.metrics["loss"]) == 2
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row["val_loss"]) for row in rows] == history.metrics["val_loss"]
    saved = keras.models.load_model(tmp_path / "best.keras")
    assert evaluate(saved, (x, labels))["loss"] == pytest.approx(min(history.metrics["val_loss"]))


def test_stopping_in_the_middle_of_an_epoch():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    diary = Diary()
    _, history = fine_tune(linear(), batches(), epochs=3, callbacks=[Stop(), diary])
    assert [call for call in diary.calls if call[0] == "on_train_batch_end"][-1][1] == 1
    assert len(history.metrics["loss"]) == 1


class SetRate(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.1 / (epoch + 1)


def test_a_callback_may_set_a_constant_rate():
    _, history = fine_tune(linear(), blobs(), epochs=3, callbacks=[SetRate()])
    np.testing.assert_allclose(history.metrics["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, under numpy 2
def test_keras_reduce_on_plateau_works_with_a_constant_rate():
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0)
    _, history = fine_tune(linear(), blobs(), epochs=3, learning_rate=0.1, callbacks=[reduce])
    np.testing.assert_allclose(history.metrics["learning_rate"], [0.1, 0.1, 0.05], rtol=1e-6)


def test_a_callback_that_sets_a_scheduled_rate_is_refused():
    settings = {"epochs": 3, "schedule": "cosine"}
    with pytest.raises(PruningError, match=r"to 0.05 at step 3, where schedule='cosine' had set"):
        fine_tune(linear(), batches(), callbacks=[SetRate()], **settings)
    for callback in (
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    ):
        with pytest.raises(PruningError, match=rf"{type(callback).__name__} and schedule='cosine'"):
            fine_tune(linear(), blobs(), callbacks=[callback], **settings)


def test_a_loss_that_is_not_finite_stops_with_its_place():
    x, labels = blobs()
    x[40] = np.nan  # in the third batch of 16
    data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(16)
    with pytest.raises(PruningError, match=r"became nan in epoch 1, step 3 .*Lower the learning"):
        fine_tune(linear(), data, epochs=2)


REFUSED = {
    r"Unknown setting 'learn_rate'.*Did you mean 'learning_rate'": {"epochs": 1, "learn_rate": 1},
    r"How long to train is missing: give epochs=": {},
    r"restore_best=True needs a validation split": {"epochs": 1, "restore_best": True},
    r"BackupAndRestore steers Keras' fit only: use checkpoint_dir": {
        "epochs": 1, "callbacks": [keras.callbacks.BackupAndRestore("unused")]},
    r"batch_size=8 has no effect on data": {"epochs": 1, "batch_size": 8},
}  # fmt: skip


@pytest.mark.parametrize(("text", "settings"), REFUSED.items(), ids=list(REFUSED))
def test_it_refuses(text, settings):
    with pytest.raises(PruningError, match=text):
        fine_tune(linear(), batches(), **settings)


def test_a_schedule_needs_the_length_of_an_epoch():
    unknown = batches().filter(lambda x, y: True)
    with pytest.raises(
        PruningError, match=r"'cosine'.*needs to know how many batches.*cardinality"
    ):
        fine_tune(linear(), unknown, epochs=1, schedule="cosine")
    trained, _ = fine_tune(linear(), unknown, epochs=2)
    assert largest_difference(trained, fine_tune(linear(), batches(), epochs=2)[0]) == 0


def test_what_was_trained_is_forgotten():
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(weakref.ref(self.model.get_layer("norm").gamma))

    settings = {"epochs": 1, "weight_decay": 0.1, "clip_norm": 1.0, "optimizer": "adam"}
    fine_tune(network(), blobs(), callbacks=[Look()], **settings)
    graphs = [o for o in gc.get_objects() if isinstance(o, FuncGraph)]
    before = {id(graph) for graph in graphs}
    del graphs
    fine_tune(network(), blobs(), callbacks=[Look()], **settings)
    gc.collect()
    assert [variable() for variable in seen] == [None, None]
    left = [o for o in gc.get_objects() if isinstance(o, FuncGraph) and id(o) not in before]
    assert left == []


def test_many_short_trainings_are_nothing_to_warn_of(caplog):
    for _ in range(7):
        fine_tune(linear(), batches(), epochs=1)
    assert "retracing" not in caplog.text
