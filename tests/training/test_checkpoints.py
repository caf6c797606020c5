import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfprune.errors import PruningError
from tfprune.training import fine_tune, stopping

from .toys import blobs, largest_difference, network

SETTINGS = {"epochs": 4, "learning_rate": 0.1, "schedule": "cosine", "batch_size": 16}


class Fail(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, 1):
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch


@pytest.fixture(scope="module")
def whole():
    return fine_tune(network(dropout=0.5), blobs(), validation=blobs(seed=1), **SETTINGS)


def interrupted(folder, epoch, **changes):
    with pytest.raises(KeyboardInterrupt):
        fine_tune(network(dropout=0.5), blobs(), validation=blobs(seed=1), checkpoint_dir=folder,
                  callbacks=[Fail(epoch)], **{**SETTINGS, **changes})  # fmt: skip


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_an_interrupted_training_goes_on_to_the_same_end(tmp_path, whole, epoch):
    interrupted(tmp_path, epoch)
    began = []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: began.append(e))
    model, history = fine_tune(
        network(dropout=0.5), blobs(), validation=blobs(seed=1), checkpoint_dir=tmp_path,
        callbacks=[look], **SETTINGS,
    )  # fmt: skip
    assert began == list(range(epoch, 4))
    assert largest_difference(model, whole[0]) == 0
    assert history == whole[1]


def test_a_finished_training_is_not_done_again(tmp_path, whole):
    arguments = {"validation": blobs(seed=1), "checkpoint_dir": tmp_path, **SETTINGS}
    fine_tune(network(dropout=0.5), blobs(), **arguments)
    model, history = fine_tune(network(dropout=0.5), blobs(), callbacks=[Fail(3)], **arguments)
    assert largest_difference(model, whole[0]) == 0
    assert history == whole[1]


def test_a_stopped_training_stays_stopped(tmp_path):
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=100.0)
    arguments = {"checkpoint_dir": tmp_path, "callbacks": [stop], **SETTINGS}
    first, _ = fine_tune(network(), blobs(), **arguments)
    again, history = fine_tune(network(), blobs(), **arguments)
    assert largest_difference(first, again) == 0
    assert len(history.metrics["loss"]) < 4


CHANGES = {
    r"learning_rate: 0.1 there, 0.2 now": {"learning_rate": 0.2},
    r"epochs: 4 there, 5 now; .*|epochs: 4 there, 5 now\.": {"epochs": 5},
    r"seed: 0 there, 1 now": {"seed": 1},
}


@pytest.mark.parametrize(("text", "changes"), CHANGES.items(), ids=list(CHANGES))
def test_another_runs_folder_is_refused(tmp_path, text, changes):
    interrupted(tmp_path, 1)
    with pytest.raises(PruningError, match=rf"holds another training, which differs in {text}"):
        fine_tune(network(dropout=0.5), blobs(), checkpoint_dir=tmp_path, **{**SETTINGS, **changes})


def test_another_models_folder_is_refused(tmp_path):
    interrupted(tmp_path, 1)
    with pytest.raises(PruningError, match=r"differs in model: '\w+' there, '\w+' now"):
        fine_tune(network(dropout=0.5, seed=2), blobs(), checkpoint_dir=tmp_path, **SETTINGS)


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(PruningError, match=r"is not empty and holds no training.*empty or a new"):
        fine_tune(network(), blobs(), checkpoint_dir=tmp_path, **SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def damage(paths):
    for path in paths:
        path.write_bytes(path.read_bytes()[:-100])


def test_the_checkpoint_before_a_damaged_one_is_used(tmp_path, whole):
    interrupted(tmp_path, 3)
    damage(tmp_path.glob("ckpt-3.data*"))
    began = []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: began.append(e))
    with pytest.warns(UserWarning, match=r"ckpt-3 cannot be read.* goes on from .*ckpt-2\."):
        model, history = fine_tune(
            network(dropout=0.5), blobs(), validation=blobs(seed=1), checkpoint_dir=tmp_path,
            callbacks=[look], **SETTINGS,
        )  # fmt: skip
    assert began == [2, 3]
    assert largest_difference(model, whole[0]) == 0
    assert history == whole[1]


@pytest.mark.parametrize("text", ["", "no list at all"])
def test_checkpoints_are_found_without_tensorflows_list_of_them(tmp_path, whole, text):
    interrupted(tmp_path, 2)
    (tmp_path / "checkpoint").write_text(text)
    model, _ = fine_tune(
        network(dropout=0.5), blobs(), validation=blobs(seed=1), checkpoint_dir=tmp_path,
        callbacks=[Fail(0)], **SETTINGS,
    )  # fmt: skip
    assert largest_difference(model, whole[0]) == 0


def test_damaged_checkpoints_say_so(tmp_path):
    interrupted(tmp_path, 2)
    damage(tmp_path.glob("ckpt-*.data*"))
    with pytest.raises(PruningError, match=r"checkpoint .*ckpt-2 cannot be read.*remove"):
        fine_tune(network(dropout=0.5), blobs(), validation=blobs(seed=1),
                  checkpoint_dir=tmp_path, **SETTINGS)  # fmt: skip


class Ask(keras.callbacks.Callback):
    """Ask to stop while a step of an epoch goes on, both from 0."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.when = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.now, batch) == self.when:
            assert stopping.ask()


@pytest.mark.parametrize(
    "when",
    [
        pytest.param((0, 0), marks=pytest.mark.slow),
        (1, 1),
        pytest.param((2, 2), marks=pytest.mark.slow),
        (3, 2),
    ],
)
def test_a_training_that_is_asked_to_stop_goes_on_after_its_last_step(tmp_path, whole, when):
    arguments = {"validation": blobs(seed=1), "checkpoint_dir": tmp_path, **SETTINGS}
    done = 3 * when[0] + when[1]
    for place in range(done, min(done + 3, 12), 2):  # the second attempt stops again
        with pytest.raises(stopping.Stopped):
            fine_tune(
                network(dropout=0.5), blobs(), callbacks=[Ask(*divmod(place, 3))], **arguments
            )
    assert not stopping.ask()
    steps = []
    look = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda i, logs: steps.append(i))
    model, history = fine_tune(network(dropout=0.5), blobs(), callbacks=[look], **arguments)
    assert len(steps) == 11 - place
    assert largest_difference(model, whole[0]) == 0
    assert history == whole[1]


@pytest.mark.parametrize("form", ["dataset", "batches"])
def test_batches_of_any_form_are_passed_over(tmp_path, form):
    x, labels = blobs()
    batches = [(x[i : i + 16], labels[i : i + 16]) for i in range(0, 48, 16)]
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(16)
    data = dataset if form == "dataset" else batches
    settings = {"epochs": 2, "learning_rate": 0.1}
    whole, _ = fine_tune(network(), data, **settings)
    with pytest.raises(stopping.Stopped):
        fine_tune(network(), data, callbacks=[Ask(1, 0)], checkpoint_dir=tmp_path, **settings)
    model, _ = fine_tune(network(), data, checkpoint_dir=tmp_path, **settings)
    assert largest_difference(model, whole) == 0


PROGRAM = """
import os, signal, sys
import keras, numpy as np, tensorflow as tf
import tfprune.data
from tfprune.training import fine_tune

folder, kill = sys.argv[1], len(sys.argv) > 2
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(7)
x = inputs = keras.Input((8, 8, 1))
x = keras.layers.Conv2D(8, 3, use_bias=False)(x)
x = keras.layers.BatchNormalization(momentum=0.9)(x)
x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(keras.layers.ReLU()(x)))
model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(x))
digits = tfprune.data.load("digits")

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if kill and (self.epoch, batch) == (2, 3):
            os.kill(os.getpid(), signal.SIGKILL)

trained, history = fine_tune(
    model, digits.train.epochs(128, shuffle=True, augment="crop", seed=3),
    validation=digits.validation.epochs(180), callbacks=[Kill()], checkpoint_dir=folder + "/run",
    epochs=4, learning_rate=0.05, weight_decay=5e-4, schedule="step", decay_steps=(2,), seed=5)
np.savez(folder + "/weights.npz", *trained.get_weights())
print(history.metrics["loss"])
"""


def start(folder, *arguments):
    folder.mkdir(exist_ok=True)
    root = Path(__file__).parents[2]
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_killed_process_ends_equal_to_the_bit(tmp_path):
    undisturbed, killed = start(tmp_path / "a"), start(tmp_path / "b", "kill")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "b" / "weights.npz").exists()
    resumed = start(tmp_path / "b")
    outputs = [process.communicate() for process in (undisturbed, resumed)]
    assert [p.returncode for p in (undisturbed, resumed)] == [0, 0], outputs
    left, right = (np.load(tmp_path / name / "weights.npz") for name in "ab")
    for name in left.files:
        np.testing.assert_array_equal(left[name], right[name])
    losses = [json.loads(out) for out, _ in outputs]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 4


def early_stopping():
    return keras.callbacks.EarlyStopping(
        "loss", patience=2, min_delta=100.0, restore_best_weights=True
    )


def plateau():
    return keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=1, min_delta=100.0, cooldown=1
    )


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own, under numpy 2
@pytest.mark.parametrize("make", [early_stopping, plateau])
def test_callbacks_go_on_with_what_they_remembered(tmp_path, make):
    settings = {"epochs": 6, "learning_rate": 0.1, "batch_size": 16}
    whole, history = fine_tune(network(), blobs(), callbacks=[make()], **settings)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(
            network(), blobs(), callbacks=[make(), Fail(2)], checkpoint_dir=tmp_path, **settings
        )
    for _ in range(2):  # the second time nothing is left to do
        model, again = fine_tune(
            network(), blobs(), callbacks=[make()], checkpoint_dir=tmp_path, **settings
        )
        assert again == history
        assert largest_difference(model, whole) == 0
    rates = history.metrics["learning_rate"]
    assert len(rates) == 3 or len(set(rates)) > 2  # it stopped, or fell more than once
