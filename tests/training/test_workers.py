"""Two workers of MultiWorkerMirroredStrategy, one of which is killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data.photographs import write

PROGRAM = """
import json, os, signal, sys
index, ports, folder, kill = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], sys.argv[4:]
os.environ["TF_CONFIG"] = json.dumps({
    "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
    "task": {"type": "worker", "index": index}})
import keras, numpy as np, tensorflow as tf
if len(ports) > 1:
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
else:
    strategy = tf.distribute.get_strategy()
import tfprune
from tests.training.toys import blobs, network
from tfprune.training import fine_tune

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if kill and index and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

model, data = network(), blobs(50)
validation, size = data, {"batch_size": 16}
pictures = os.environ.get("PICTURES")
if pictures:
    image = keras.Input((16, 24, 3))
    x = keras.layers.Conv2D(4, 3, strides=4)(image)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization(name="norm")(x))
    model = keras.Model(image, keras.layers.Dense(3)(x))
    split = tfprune.data.load("folder", data_dir=pictures, validation_size=0).train
    data = split.epochs(7, shuffle=True, augment="random_resized_crop_flip")
    validation, size = split.epochs(7), {}
model.get_layer("norm").synchronized = True
with strategy.scope():
    trained, _ = fine_tune(
        model, data, validation=validation, epochs=4, learning_rate=0.1, schedule="cosine",
        weight_decay=0.01, checkpoint_dir=folder + "/run", callbacks=[Kill()], **size)
np.savez(f"{folder}/weights{index}.npz", *trained.get_weights())
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def work(folder, workers, *arguments):
    """Run all workers to their end and return their exit codes and weights."""
    folder.mkdir(exist_ok=True)
    ports = json.dumps(free_ports(workers))
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM, str(index), ports, str(folder), *arguments],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for index in range(workers)
    ]
    codes = [process.wait(timeout=120) for process in running]
    found = sorted(folder.glob("weights*.npz"))
    return codes, [list(np.load(path).values()) for path in found]


@pytest.mark.slow
def test_two_workers_read_half_of_the_photographs_each_and_train_as_one(tmp_path, monkeypatch):
    root = write(tmp_path / "images", ["cat", "dog", "eel"], 10, size=(16, 24), suffix="png")
    sorted(root.rglob("*.png"))[3].write_bytes(b"no picture")
    monkeypatch.setenv("PICTURES", str(root))
    one = work(tmp_path / "one", 1)[1][0]
    codes, (first, second) = work(tmp_path / "two", 2)
    assert codes == [0, 0]
    for alone, left, right in zip(one, first, second, strict=True):
        np.testing.assert_allclose(left, alone, atol=1e-5)
        np.testing.assert_array_equal(left, right)


@pytest.mark.slow
def test_two_workers_equal_one_and_resume_to_the_bit(tmp_path):
    one = work(tmp_path / "one", 1)[1][0]
    codes, (first, second) = work(tmp_path / "two", 2)
    assert codes == [0, 0]
    codes, none = work(tmp_path / "killed", 2, "kill")
    assert codes[1] == -signal.SIGKILL
    assert codes[0] != 0
    assert none == []
    codes, (again, _) = work(tmp_path / "killed", 2)
    assert codes == [0, 0]
    for alone, left, right, resumed in zip(one, first, second, again, strict=True):
        np.testing.assert_allclose(left, alone, atol=1e-5)
        np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(left, resumed)
