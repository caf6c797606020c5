"""Long runs hold no more memory than short ones."""

import keras
import pytest

from benchmarks.measuring import resident_memory
from tests.conftest import give_back
from tfprune.training import fine_tune

from .toys import blobs, network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(resident_memory() is None, reason="the kernel does not tell"),
]


def held():
    give_back()
    return resident_memory()


def test_two_thousand_steps_hold_what_two_hundred_hold():
    seen = {}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen[epoch] = held()

    fine_tune(network(), blobs(400), epochs=10, batch_size=2, callbacks=[Look()])  # 200 steps each
    assert seen[9] < 1.05 * seen[0]


def test_many_trainings_in_a_process_hold_what_a_few_hold():
    model, data = network(), blobs()
    seen = []
    for _ in range(24):
        fine_tune(model, data, validation=data, epochs=1, batch_size=16)
        seen.append(held())
    assert seen[-1] - seen[3] < 20 * 2**20  # of the model's own, one kilobyte each
