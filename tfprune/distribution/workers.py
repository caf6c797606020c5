"""The workers of a `tf.distribute` strategy, of which one, the chief, decides and writes.

All workers run the same program. Where they must not differ (a cut, a folder that is refused, what
an earlier attempt has left) the others take over what the chief says. It travels through the
strategy itself: no worker needs to see another one's disk.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.distribution.arrays import from_bytes, to_bytes
from tfprune.errors import PruningError

_MOST = 2**26  # bytes of one message
_FINE, _REFUSED = b"1", b"0"


def number() -> int:
    """Return which of the workers this is; the chief is 0.

    Example:
        >>> number(), count(), is_chief()
        (0, 1, True)
    """
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None or not resolver.task_type:
        return 0
    before = int(resolver.task_type != "chief" and "chief" in resolver.cluster_spec().jobs)
    return before + (resolver.task_id or 0)


def count() -> int:
    """Return how many workers there are."""
    return count_of(tf.distribute.get_strategy().cluster_resolver)


def count_of(resolver: tf.distribute.cluster_resolver.ClusterResolver | None) -> int:
    """Return how many workers a cluster has, 1 without one."""
    jobs = resolver.cluster_spec().as_dict() if resolver is not None else {}
    return max(1, sum(len(jobs.get(job, ())) for job in ("chief", "worker")))


def is_chief() -> bool:
    """Return whether this worker decides and writes."""
    return number() == 0


def from_chief(make: Callable[[], Any]) -> Any:
    """Return on all workers what the chief makes; a refusal reaches all of them likewise.

    Args:
        make: returns a plain value, as JSON takes it; called on the chief only.

    Raises:
        PruningError: it did, on the chief.

    Example:
        >>> from_chief(lambda: {"state": "new"})
        {'state': 'new'}
    """
    return json.loads(sent(lambda: json.dumps(make()).encode()))


def agreed(make: Callable[[], Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Return on all workers the arrays that the chief makes; else as `from_chief`.

    What others made might differ from them in its last bits.

    Args:
        make: returns them; called on the chief only.

    Example:
        >>> [array.tolist() for array in agreed(lambda: [np.zeros(2)])]
        [[0.0, 0.0]]
    """
    if count() == 1:
        return list(make())
    return from_bytes(sent(lambda: to_bytes(make())))


def gathered(make: Callable[[], bytes]) -> list[bytes]:
    """Return on all workers what each of them makes, in their order.

    Args:
        make: returns this worker's.

    Raises:
        PruningError: `make` did on one of them; all raise the first one's.

    Example:
        >>> gathered(lambda: b"found")
        [b'found']
    """
    if count() == 1:
        return [make()]
    own = _answer(make)
    sizes = [int.from_bytes(x, "little") for x in _from_all(len(own).to_bytes(8, "little"))]
    messages = [b""] * count()
    for start in range(0, max(sizes), _MOST):
        parts = _from_all(own[start : start + _MOST].ljust(min(_MOST, max(sizes) - start), b"\0"))
        messages = [whole + part for whole, part in zip(messages, parts, strict=True)]
    return [_accepted(x[:size]) for x, size in zip(messages, sizes, strict=True)]


def sent(make: Callable[[], bytes]) -> bytes:
    """Return on all workers the bytes that the chief makes; else as `from_chief`."""
    if count() == 1:
        return make()
    message = _answer(make) if is_chief() else b""
    size = int.from_bytes(_broadcast(len(message).to_bytes(8, "little")), "little")
    parts = [_broadcast(message[start : start + _MOST]) for start in range(0, size, _MOST)]
    return _accepted(b"".join(parts)[:size])


def _answer(make: Callable[[], bytes]) -> bytes:
    try:
        return _FINE + make()
    except PruningError as error:
        return _REFUSED + str(error).encode()


def _accepted(message: bytes) -> bytes:
    if message[:1] == _REFUSED:
        raise PruningError(message[1:].decode())
    return message[1:]


def _broadcast(message: bytes) -> bytes:
    """Return the chief's message, with some bytes behind it, on all workers."""
    return _joined(message if is_chief() else b"")


def _from_all(message: bytes) -> list[bytes]:
    """Return the workers' messages, all of one length, with some bytes behind each."""
    joined = _joined(message)
    length = len(joined) // count()
    return [joined[start : start + length] for start in range(0, len(joined), length)]


def _joined(message: bytes) -> bytes:
    """Return the workers' messages, each filled up to whole numbers, one behind the other."""
    strategy = tf.distribute.get_strategy()
    # Whole numbers of 32 bits are what all of TensorFlow's collectives take.
    own = tf.constant(np.frombuffer(message + b"\0" * (-len(message) % 4), np.int32))
    found = strategy.experimental_local_results(_gathering(strategy)(own))
    return np.asarray(found[0]).tobytes()


@lru_cache(1)
def _gathering(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], Any]:
    """Return what joins the numbers of all workers, traced once: each `gather` traces anew."""
    replicas = strategy.num_replicas_in_sync // count()  # of a worker, of which the first speaks

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)], autograph=False)
    def gather(own: tf.Tensor) -> Any:
        def part() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            speaks = tf.cast(context.replica_id_in_sync_group, tf.int32) % replicas == 0
            said = own[: tf.where(speaks, tf.size(own), 0)]
            return context.all_gather(said, axis=0)

        return strategy.run(part)

    return gather
