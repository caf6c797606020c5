"""The step of a Slurm job, each of whose tasks is a worker.

TensorFlow's own SlurmClusterResolver sorts hosts by their letters, so that n10 comes before n9 and
gets its number, and divides by zero without GPUs; hence this one.
"""

import re
from collections.abc import Iterator, Mapping

import tensorflow as tf

from tfprune.distribution.clusters._numbers import port, whole
from tfprune.errors import PruningError

ORDER = 1
PORT = 8888  # of a host's first task; the next ones have the next numbers
_HOST = re.compile(r"([^,\[\]]+)(?:\[([^\]]+)\])?(?:,|$)")
_TASKS = re.compile(r"(\d+)(?:\(x(\d+)\))?")


def resolver(
    environment: Mapping[str, str],
) -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """Return what the variables of a step say, None outside of one.

    Tasks are numbered host by host, as `srun --distribution=block` does, its default.

    Raises:
        PruningError: they contradict each other, or cannot be read.

    Example:
        >>> step = {"SLURM_PROCID": "2", "SLURM_STEP_NODELIST": "n[9-10]",
        ...         "SLURM_STEP_TASKS_PER_NODE": "2(x2)", "SLURM_STEP_NUM_TASKS": "4"}
        >>> found = resolver(step)
        >>> found.task_id, found.cluster_spec().job_tasks("worker")[2]
        (2, 'n10:8888')
    """
    if "SLURM_STEP_NODELIST" not in environment or "SLURM_PROCID" not in environment:
        return None
    names, number = environment["SLURM_STEP_NODELIST"], whole(environment, "SLURM_PROCID")
    tasks = list(_tasks(environment.get("SLURM_STEP_TASKS_PER_NODE", "1")))
    hosts = list(_hosts(names))
    total = whole(environment, "SLURM_STEP_NUM_TASKS", sum(tasks))
    if len(hosts) != len(tasks) or sum(tasks) != total or not 0 <= number < total:
        raise PruningError(
            f"Slurm's variables contradict each other: the hosts {names} with "
            f"{environment.get('SLURM_STEP_TASKS_PER_NODE')} tasks, {total} tasks in all, this one "
            f"number {number}. Start the workers by one `srun`, each as a task."
        )
    ports = port(environment, PORT, last=max(tasks) - 1)
    addresses = [
        f"{host}:{ports + place}"
        for host, own in zip(hosts, tasks, strict=True)
        for place in range(own)
    ]
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": addresses}),
        task_type="worker",
        task_id=number,
        rpc_layer="grpc",
    )


def _hosts(names: str) -> Iterator[str]:
    """Yield the hosts of a list such as "n[1-2,07],m5", in its order."""
    place = 0
    while place < len(names):
        match = _HOST.match(names, place)
        if match is None:
            raise _unread(names)
        place = match.end()
        for part in (match[2] or "").split(","):
            first, _, last = part.partition("-")
            if not part:
                yield match[1]
                continue
            if not first.isdecimal() or not (last or first).isdecimal():
                raise _unread(names)
            for number in range(int(first), int(last or first) + 1):
                yield f"{match[1]}{number:0{len(first)}}"


def _unread(names: str) -> PruningError:
    return PruningError(
        f"SLURM_STEP_NODELIST={names} cannot be read: expected hosts such as n[1-2,7],m5."
    )


def _tasks(text: str) -> Iterator[int]:
    """Yield the tasks of each host of a text such as "2(x3),1"."""
    for part in text.split(","):
        match = _TASKS.fullmatch(part)
        if match is None:
            raise PruningError(
                f"SLURM_STEP_TASKS_PER_NODE={text} cannot be read: expected such as 2(x3),1."
            )
        yield from [int(match[1])] * int(match[2] or 1)
