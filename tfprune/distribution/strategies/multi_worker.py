"""Several processes, on this machine or on others, each with all of its GPUs."""

import tensorflow as tf

from tfprune.distribution import clusters
from tfprune.errors import PruningError


def make() -> tf.distribute.Strategy:
    """Return a MultiWorkerMirroredStrategy over the cluster that the environment describes.

    Raises:
        PruningError: it describes none, or one that cannot be.
    """
    resolver = clusters.found()
    if resolver is None:
        raise PruningError(
            "The strategy multi_worker needs to know its workers: expected TF_CONFIG, a step of "
            "Slurm (srun) or an indexed job of Kubernetes, found none of them. On one machine "
            "`python launch.py --workers 2 -- python prune.py ...` starts them; docs/cluster.md "
            "has the files for the others."
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except RuntimeError as error:
        raise PruningError(
            f"The workers cannot be joined any more, TensorFlow has started: {error}. Make the "
            "strategy before anything is computed."
        ) from error
