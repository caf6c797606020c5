"""Which of the machine's devices TensorFlow uses."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfprune.errors import PruningError


def use_gpus(numbers: Sequence[str | int] | None) -> None:
    """Let TensorFlow see some GPUs only; call it before anything is computed.

    Args:
        numbers: those of the GPUs on this machine, from 0; None leaves all of them.

    Raises:
        PruningError: there is no such GPU, one is named twice, or TensorFlow has started.

    Example:
        >>> use_gpus([10**6])
        Traceback (most recent call last):
        tfprune.errors.PruningError: There is no GPU 1000000: ...
    """
    if numbers is None:
        return
    gpus = tf.config.list_physical_devices("GPU")
    for number in numbers:
        if not str(number).isdecimal() or int(number) >= len(gpus):
            raise PruningError(
                f"There is no GPU {number}: TensorFlow sees {len(gpus)} of them here, numbered "
                "from 0. Leave the choice out to use what is there."
            )
    chosen = sorted({int(number) for number in numbers})
    if len(chosen) < len(numbers):
        raise PruningError(f"A GPU is named twice: received {','.join(map(str, numbers))}.")
    _set(lambda: tf.config.set_visible_devices([gpus[number] for number in chosen], "GPU"))


def divide_cpu(count: int | None) -> None:
    """Let the processor count as several devices; call it before anything is computed.

    Args:
        count: how many; None: one.

    Raises:
        PruningError: TensorFlow has started.
    """
    if count is None:
        return
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    _set(lambda: tf.config.set_logical_device_configuration(cpu, parts))


def _set(change: Callable[[], None]) -> None:
    try:
        change()
    except RuntimeError as error:
        raise PruningError(
            f"The devices cannot be chosen any more, TensorFlow has started: {error}. "
            "Choose them before anything is computed."
        ) from error
