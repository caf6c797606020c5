"""An indexed job of Kubernetes, each of whose pods is a worker, behind a headless service.

No rights on Kubernetes' interface are needed, unlike by TensorFlow's KubernetesClusterResolver,
which does not know which of the pods it is in either.
"""

from collections.abc import Mapping

import tensorflow as tf

from tfprune.distribution.clusters._numbers import port
from tfprune.errors import PruningError

ORDER = 2
PORT = 2222


def resolver(
    environment: Mapping[str, str],
) -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """Return what the variables of a pod say, None outside of an indexed job.

    Kubernetes sets JOB_COMPLETION_INDEX and names the pods <job>-0, <job>-1 and so on; the job's
    file sets TFPRUNE_JOB, TFPRUNE_SERVICE and TFPRUNE_WORKERS, for one pod's environment does not
    tell them.

    Raises:
        PruningError: the job's file does not set them all, or the numbers cannot be.

    Example:
        >>> pod = {"JOB_COMPLETION_INDEX": "1", "TFPRUNE_JOB": "prune",
        ...        "TFPRUNE_SERVICE": "prune-workers", "TFPRUNE_WORKERS": "2"}
        >>> found = resolver(pod)
        >>> found.task_id, found.cluster_spec().job_tasks("worker")[0]
        (1, 'prune-0.prune-workers:2222')
    """
    if "JOB_COMPLETION_INDEX" not in environment:
        return None
    wanted = ("TFPRUNE_JOB", "TFPRUNE_SERVICE", "TFPRUNE_WORKERS")
    missing = [name for name in wanted if not environment.get(name)]
    if len(missing) == len(wanted):
        return None  # an indexed job of another kind: each pod works for itself
    job, service, workers = (environment.get(name, "") for name in wanted)
    number = environment["JOB_COMPLETION_INDEX"]
    sound = number.isdecimal() and workers.isdecimal() and int(number) < int(workers)
    if missing or not sound:
        raise PruningError(
            f"The pod's variables do not describe the workers: expected {', '.join(wanted)} and "
            f"JOB_COMPLETION_INDEX below TFPRUNE_WORKERS; missing: {', '.join(missing) or 'none'}, "
            f"number {number} of {workers or '?'}. docs/cluster.md has a job's file."
        )
    at = port(environment, PORT)
    addresses = [f"{job}-{place}.{service}:{at}" for place in range(int(workers))]
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=int(number),
        rpc_layer="grpc",
    )
