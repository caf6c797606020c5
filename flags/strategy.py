"""On which devices and machines a script computes."""

import contextlib
import functools
import sys
import textwrap
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import flags, logging

from flags import commandline
from tfprune.distribution import clusters, strategies, workers
from tfprune.errors import PruningError

FLAGS = flags.FLAGS
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


def define() -> None:
    """Define the flags of the devices."""
    flags.DEFINE_enum(
        "strategy",
        "auto",
        strategies.names(),
        "One device, all GPUs of this machine, or several workers (docs/cluster.md); auto takes "
        "what is there.",
    )
    flags.DEFINE_list("gpus", None, "Numbers of the GPUs to use, e.g. 0,1; without it all of them.")
    flags.DEFINE_alias("gpu", "gpus")
    flags.DEFINE_integer(
        "cpus",
        None,
        "Devices that the processor counts as, to try --strategy=mirrored without GPUs.",
        lower_bound=1,
    )


def distributed(main: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """Let a script's `main` run within the strategy that its flags ask for.

    Of several workers the chief alone tells how far it is.

    Args:
        main: the script's main.
    """

    @functools.wraps(main)
    def within(argv: list[str]) -> None:
        _refuse_idle()
        strategy = strategies.make(FLAGS.strategy, gpus=FLAGS.gpus, cpus=FLAGS.cpus)
        commandline.keep_signals()
        with strategy.scope():
            if not workers.is_chief():
                logging.set_verbosity(logging.WARNING)
            with _others_lost(argv[0] if argv else ""):
                main(argv)

    return within


@contextlib.contextmanager
def _others_lost(program: str) -> Iterator[None]:
    """Ask to be called again when another worker was lost: the run itself is sound."""
    try:
        yield
    except tf.errors.OpError as error:
        if workers.count() == 1 or not isinstance(error, _LOST):
            raise
        reason = textwrap.shorten(error.message, 300)
        sys.stderr.write(f"{program}: another worker was lost: {reason}\n")
        sys.stderr.write(f"{program}: start all of them anew, the run goes on from here.\n")
        sys.exit(commandline.PREEMPTED)


def refuse_workers(program: str) -> None:
    """Refuse to be one of several workers, in a script that has nothing to share out among them.

    Args:
        program: the script's name, for the message.

    Raises:
        PruningError: the environment names several workers.
    """
    count = workers.count_of(clusters.found())
    if count > 1:
        raise PruningError(
            f"{program}: the environment names {count} workers, which would all write the same "
            "files. Expected one process: start it once, without launch.py, srun and TF_CONFIG. "
            "train.py, prune.py, evaluate.py and predict.py run on several workers."
        )


def verbose() -> int:
    """Return how much a training tells: a bar on a terminal, else lines; the chief's alone.

    Nothing with --verbosity=-1, which is for warnings only.
    """
    if not workers.is_chief() or logging.get_verbosity() < logging.INFO:
        return 0
    return 1 if sys.stdout.isatty() else 2


def define_gpu() -> None:
    """Define --gpu alone, for scripts that need one device."""
    flags.DEFINE_string("gpu", None, "Number of the GPU to use; without it the first one.")


def use_gpu() -> None:
    """Use the GPU that --gpu names."""
    strategies.make("single", gpus=None if FLAGS.gpu is None else [FLAGS.gpu])


def _refuse_idle() -> None:
    strategy, gpus = FLAGS.strategy, FLAGS.gpus or ()
    if FLAGS.cpus is not None and strategy != "mirrored":
        reason = f"it divides the processor for --strategy=mirrored, received {strategy!r}."
        commandline.refuse([f"--cpus={FLAGS.cpus}: {reason}"])
    if strategy == "single" and len(gpus) > 1:
        commandline.refuse([f"--gpus={','.join(gpus)}: --strategy=single uses one device."])
