"""TensorFlow's own variable TF_CONFIG, as `launch.py`, Kubeflow and Vertex AI set it."""

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfprune.errors import PruningError

ORDER = 0  # who sets it means it
_JOBS = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


def resolver(
    environment: Mapping[str, str],
) -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """Return what TF_CONFIG says, None where it is not set or names no cluster.

    Raises:
        PruningError: it is no JSON, names jobs other than "chief" and "worker", or a task that is
            not in the cluster.

    Example:
        >>> found = resolver({"TF_CONFIG": _EXAMPLE})
        >>> found.task_id, found.cluster_spec().num_tasks("worker")
        (0, 2)
    """
    text = environment.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        values = json.loads(text)
        cluster = values.get("cluster")
        if not cluster:
            return None
        return _resolver(cluster, values["task"]["type"], int(values["task"]["index"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PruningError(
            f"TF_CONFIG cannot be read: {type(error).__name__}: {error}. Expected {_EXAMPLE}, "
            f"received {text:.200}."
        ) from error


def _resolver(
    cluster: Mapping[str, Any], job: str, number: int
) -> tf.distribute.cluster_resolver.ClusterResolver:
    others = [name for name in cluster if name not in _JOBS]
    if others:
        raise ValueError(f"the jobs {others} take no part; name {' and '.join(_JOBS)} only")
    if job not in cluster or not 0 <= number < len(cluster[job]):
        raise ValueError(f"there is no task {number} of the job {job!r} in the cluster")
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(dict(cluster)), task_type=job, task_id=number, rpc_layer="grpc"
    )
