"""Workers with several devices each, which TensorFlow gives workers with GPUs alone.

A program: `several_devices COUNT` writes what a worker that `TF_CONFIG` names hears of the others.
"""

import json
import sys
from unittest import mock

import tensorflow as tf
from tensorflow.python.distribute.collective_all_reduce_strategy import CollectiveAllReduceExtended

from tfprune.distribution import workers
from tfprune.passes.replicas import Replicas


def strategy(count):
    """Return a strategy of the workers that the environment names, its processor in devices.

    Args:
        count: how many devices; the processor must not have been used.
    """
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(cpu, devices)

    def local(self, resolver, worker):
        return tuple(f"{worker}/device:CPU:{i}" for i in range(count)), "CPU"

    with mock.patch.object(CollectiveAllReduceExtended, "_initialize_local_devices", local):
        return tf.distribute.MultiWorkerMirroredStrategy()


def main(count):
    """Print what this worker is, and what it hears."""
    with strategy(count).scope():
        own = b"word " * (workers.number() + 1)
        found = {
            "worker": workers.number(),
            "replicas": Replicas(tf.distribute.get_strategy()).numbers,
            "all": [text.decode() for text in workers.gathered(lambda: own)],
            "chief": workers.sent(lambda: own).decode(),
        }
        sys.stdout.write(f"heard {json.dumps(found)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
