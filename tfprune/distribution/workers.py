"""The workers of a `tf.distribute` strategy, of which one, the chief, decides and writes.

All workers run the same program. Where they must not differ (a cut, a folder that is refused, what
an earlier attempt has left) the others take over what the chief says. It travels through the
strategy itself: no worker needs to see another one's disk.
"""

import json
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from tfprune.distribution.arrays import from_bytes, to_bytes
from tfprune.errors import PruningError

_MOST = 2**26  # bytes that go at a time
_LARGEST = 2**36  # bytes of one message: what claims to be larger is none
_HEAD = struct.Struct("<8sQ")  # what all are about to do, and the bytes that a worker has to say
_SEND, _GATHER = b"send\0\0\0\0", b"gather\0\0"
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
        PruningError: `make` did on one of them; all raise the first one's. Or what they say does
            not fit together.

    Example:
        >>> gathered(lambda: b"found")
        [b'found']
    """
    if count() == 1:
        return [make()]
    own = _answer(make)
    sizes = _sizes(_GATHER, own)
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
    size, *_ = _sizes(_SEND, message)
    starts = range(0, size, _MOST)
    parts = [_joined(message[n : n + _MOST], min(_MOST, size - n)) for n in starts]
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


def _sizes(what: bytes, message: bytes) -> list[int]:
    """Return how long the workers' messages are, all of whom must be about to do the same."""
    heads = [_HEAD.unpack(x[: _HEAD.size]) for x in _from_all(_HEAD.pack(what, len(message)))]
    for worker, (other, size) in enumerate(heads):
        if other != what:
            there, here = (x.rstrip(b"\0") for x in (other, what))
            raise _out_of_step(f"worker {worker} is at {there!r}, worker {number()} at {here!r}")
        if size > _LARGEST:
            raise _out_of_step(f"worker {worker} announces {size} bytes of at most {_LARGEST}")
    return [size for _, size in heads]


def _from_all(message: bytes) -> list[bytes]:
    """Return the workers' messages, all of one length, with some bytes behind each."""
    joined = _joined(message, len(message), count())
    length = len(joined) // count()
    return [joined[start : start + length] for start in range(0, len(joined), length)]


def _joined(message: bytes, length: int, times: int = 1) -> bytes:
    """Return the workers' messages, each filled up to whole numbers, one behind the other.

    Args:
        message: this worker's.
        length: of each message that is expected.
        times: how many workers say something.
    """
    joined = _exchanged(message)
    if len(joined) != times * (length + -length % 4):
        raise _out_of_step(f"{times} x {length} bytes were due, {len(joined)} came")
    return joined


def _out_of_step(what: str) -> PruningError:
    return PruningError(
        f"The workers are not at the same place of the program: {what}. Expected the same command "
        "line, the same files and the same version of tfprune on all of them. Start them all anew; "
        "they go on from what is kept. If it comes again, it is a fault of tfprune: report it."
    )


def _exchanged(message: bytes) -> bytes:
    """Return what all workers say, filled up to whole numbers, one behind the other."""
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
