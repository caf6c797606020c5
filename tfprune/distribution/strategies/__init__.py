"""Where a program computes: each way is a module here, found by its file's name.

It has `make() -> tf.distribute.Strategy`, which takes the devices that TensorFlow sees.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import keras
import tensorflow as tf

from tfprune import files, plugins
from tfprune.distribution import workers
from tfprune.distribution.strategies import _devices

T = TypeVar("T")


def names() -> list[str]:
    """Return the names of all ways.

    Example:
        >>> names()
        ['auto', 'mirrored', 'multi_worker', 'single']
    """
    return plugins.names(sys.modules[__name__])


def make(
    name: str, *, gpus: Sequence[str | int] | None = None, cpus: int | None = None
) -> tf.distribute.Strategy:
    """Return the strategy of a name; call it before anything is computed.

    Args:
        name: "single" (one device), "mirrored" (all GPUs of this machine), "multi_worker" (all of
            several processes, here or elsewhere) or "auto", what of these is there.
        gpus: the numbers of those to use, from 0; None: all of them.
        cpus: as how many devices the processor counts, to try "mirrored" without GPUs; None: one.

    Raises:
        PruningError: an unknown name, no such GPU, a cluster that is not described, or TensorFlow
            has started to compute.

    Example:
        >>> make("single").num_replicas_in_sync
        1
    """
    module = plugins.find(sys.modules[__name__], name, "strategy")
    _devices.use_gpus(gpus)
    _devices.divide_cpu(cpus)
    return module.make()


def outside(work: Callable[[], T]) -> T:
    """Return what a function makes outside of the strategy's scope, where models are plain ones.

    A model that is made in a scope can neither be exported as a SavedModel nor timed as it will
    run; one that is loaded in here can.

    Args:
        work: must not touch models of the scope.

    Example:
        >>> with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        ...     tf.distribute.has_strategy(), outside(tf.distribute.has_strategy)
        (True, False)
    """
    if not tf.distribute.has_strategy():
        return work()
    with ThreadPoolExecutor(1) as pool:  # a scope holds for the thread that entered it
        return pool.submit(work).result()


def local_devices() -> tuple[str | None, ...]:
    """Return this process' devices among those of the current strategy; None: TensorFlow's choice.

    Example:
        >>> local_devices()
        (None,)
    """
    if not tf.distribute.has_strategy():
        return (None,)
    return tuple(tf.distribute.get_strategy().extended.worker_devices)


def on_chief(work: Callable[..., T], *models: tuple[keras.Model, Path]) -> T | None:
    """Let the chief alone do something with models, as plain ones; the others get None.

    Args:
        work: takes the models; what it makes or measures is that of a model outside of a scope.
        *models: each with the file that holds it.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> on_chief(lambda plain: plain is model, (model, Path("model.keras")))
        True
    """
    if not tf.distribute.has_strategy():
        return work(*(model for model, _ in models))
    if not workers.is_chief():
        return None

    def with_plain() -> Any:
        return work(*(files.load_model(path) for _, path in models))

    return outside(with_plain)
