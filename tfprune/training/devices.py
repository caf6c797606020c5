"""Which of the machine's devices TensorFlow uses."""

import tensorflow as tf

from tfprune.errors import PruningError


def use_gpu(index: str | int | None) -> None:
    """Let TensorFlow see one GPU only; call it before anything is computed.

    Args:
        index: the GPU's number on this machine, from 0; None leaves all of them.

    Raises:
        PruningError: there is no such GPU, or TensorFlow has started to compute.

    Example:
        >>> use_gpu(10**6)
        Traceback (most recent call last):
        tfprune.errors.PruningError: There is no GPU 1000000: ...
    """
    if index is None:
        return
    gpus = tf.config.list_physical_devices("GPU")
    if not str(index).isdecimal() or int(index) >= len(gpus):
        raise PruningError(
            f"There is no GPU {index}: TensorFlow sees {len(gpus)} of them here, numbered from 0. "
            "Leave the choice out to use what is there."
        )
    try:
        tf.config.set_visible_devices(gpus[int(index)], "GPU")
    except RuntimeError as error:
        raise PruningError(
            f"GPU {index} cannot be chosen any more, TensorFlow has started: {error}. "
            "Choose it before anything is computed."
        ) from error
