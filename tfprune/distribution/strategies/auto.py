"""What is there: the cluster's workers, else all GPUs of this machine, else one device."""

import tensorflow as tf

from tfprune.distribution import clusters, workers
from tfprune.distribution.strategies import mirrored, multi_worker, single


def make() -> tf.distribute.Strategy:
    """Return the strategy that takes all that TensorFlow sees.

    Raises:
        PruningError: the environment describes a cluster that cannot be.
    """
    if workers.count_of(clusters.found()) > 1:
        return multi_worker.make()
    gpus = tf.config.get_visible_devices("GPU")
    return mirrored.make() if len(gpus) > 1 else single.make()
