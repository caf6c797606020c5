"""From the command line to `main`: both spellings, flags without effect, the record of a run."""

import contextlib
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from logging import INFO, WARNING, LogRecord, getLogger
from pathlib import Path
from types import FrameType
from typing import NoReturn

from absl import app, flags, logging

from flags import flag_files, help_pages
from tfprune import files
from tfprune.errors import PruningError
from tfprune.training import stopping

FLAGS = flags.FLAGS
_FLAG = re.compile(r"(--?)([A-Za-z][\w-]*)(=.*|$)", re.DOTALL)

# They say what to do with a result that is there, or on which devices, or whom it is told; not
# what it is.
_NOT_RECORDED = frozenset(
    {"save_dir", "overwrite", "resume", "mlflow", "strategy", "gpus", "gpu", "cpus"}
)

PREEMPTED = 75  # exit code after SIGTERM: EX_TEMPFAIL of sysexits.h, "call again later"


_ASKED: list[int] = []  # the signals that a training was told of


class _Terminated(BaseException):
    """SIGTERM: what is half written is removed on the way out."""


def _end(number: int, frame: FrameType | None) -> None:
    """Let a training save and stop; whatever else goes on ends at once."""
    # A second SIGTERM would stop the tidying up; a person who presses Ctrl-C again insists.
    again = signal.SIG_IGN if number == signal.SIGTERM else signal.default_int_handler
    signal.signal(number, again)
    if stopping.ask():
        _ASKED.append(number)
    elif number == signal.SIGTERM:
        raise _Terminated
    else:
        raise KeyboardInterrupt


def keep_signals() -> None:
    """Take back SIGTERM, which TensorFlow handles by itself once it has joined workers."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is _end:
            signal.signal(number, _end)


def run(main: Callable[[list[str]], None], define: Callable[[], None]) -> None:
    """Define a script's flags, parse the command line and call `main`.

    Args:
        main: the script's main; it gets the arguments that are no flags.
        define: defines the script's flags.
    """
    define()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    for name in _own():  # --help lists the flags registered for the script itself
        FLAGS.register_key_flag_for_module(sys.argv[0], FLAGS[name])
    app.run(lambda argv: _main(main, argv), flags_parser=parse)


def _main(main: Callable[[list[str]], None], argv: list[str]) -> None:
    if argv[1:]:
        raise app.UsageError(
            f"Expected flags only (--name=value), received the arguments {argv[1:]}."
        )
    logging.get_absl_handler().addFilter(_is_of_interest)
    getLogger("tensorflow").setLevel(WARNING)  # it has a handler of its own
    getLogger("tensorflow").addFilter(_is_not_of_tracing)
    program = _called(argv[0])
    try:
        main(argv)
    except PruningError as error:  # the user's to mend: a traceback would only hide the message
        sys.exit(f"{program}: {error}")
    except KeyboardInterrupt:
        _leave(program, "interrupted; call it again with the same flags.", 130)
    except stopping.Stopped:
        code = 130 if signal.SIGINT in _ASKED else PREEMPTED
        _leave(program, "stopped and saved; the same command goes on from here.", code)
    except _Terminated:
        _leave(program, "terminated; the same command goes on from here.", PREEMPTED)
    except OSError as error:
        if not files.known(error):
            raise
        sys.exit(f"{program}: {files.explained(error)}")


def _called(script: str) -> str:
    """Return what a user types for a script: installed it lies deep in site-packages."""
    command = sys.modules.get("tfprune_commands")
    return command.called[-1] if command and command.called else script


def _leave(program: str, message: str, code: int) -> NoReturn:
    sys.stderr.write(f"{program}: {message}\n")
    sys.exit(code)


def _is_of_interest(record: LogRecord) -> bool:
    """Leave out what libraries note about themselves (each checkpoint has one), not warnings."""
    path = Path(record.pathname)
    if path.is_relative_to(help_pages.ROOT):  # an installed script lies in site-packages itself
        path = path.relative_to(help_pages.ROOT)
    return record.levelno > INFO or "site-packages" not in path.parts


def _is_not_of_tracing(record: LogRecord) -> bool:
    """Leave out that functions are traced anew: each model has functions of its own."""
    return "tf.function retracing" not in str(record.msg)


def parse(argv: list[str]) -> list[str]:
    """Parse flags in either spelling, also those of flag files.

    Args:
        argv: the program's name and its arguments.

    Returns:
        The program's name and the arguments that are no flags.
    """
    if help_pages.asked(argv):
        help_pages.show(argv[0], sys.modules["__main__"].__doc__ or "", _groups())
    program, *arguments = argv
    try:
        spelled = flag_files.found(respell(arguments))
    except PruningError as error:
        sys.exit(f"{_called(program)}: {error}")
    # An error in a flag file is met again, and reported with the usage, by the parser below.
    with contextlib.suppress(flags.Error):
        spelled = respell(FLAGS.read_flags_from_files(spelled, force_gnu=False))
    return app.parse_flags_with_usage([program, *spelled])


def respell(arguments: Iterable[str]) -> list[str]:
    """Return the arguments with `--batch-size` as `--batch_size` and `--no-x` as `--nox`.

    Only names of defined flags are touched, and nothing after `--`.
    """
    respelled = list(arguments)
    for place, argument in enumerate(respelled):
        if argument == "--":
            break
        match = _FLAG.fullmatch(argument)
        name = match[2].replace("-", "_") if match else ""
        if name in FLAGS:
            respelled[place] = f"{match[1]}{name}{match[3]}"
        elif name.startswith("no_") and name[3:] in FLAGS and FLAGS[name[3:]].boolean:
            respelled[place] = f"{match[1]}no{name[3:]}{match[3]}"
    return respelled


def refuse_idle(idle: Mapping[str, str]) -> None:
    """Refuse flags that were given but do nothing beside the others.

    Args:
        idle: for each flag without effect the reason.

    Raises:
        PruningError: one of them was given.
    """
    refuse(f"--{name}: {reason}" for name, reason in idle.items() if FLAGS[name].present)


def refuse(without_effect: Iterable[str]) -> None:
    """Refuse what was given and does nothing.

    Args:
        without_effect: a flag and the reason, each.

    Raises:
        PruningError: there is one.
    """
    given = " ".join(without_effect)
    if given:
        raise PruningError(f"Flags without effect; leave them out. {given}")


def record(idle: Iterable[str] = (), data: str | None = None) -> str:
    """Return the flag file that reproduces a run: every flag with an effect, defaults included.

    Where to save and on which device is left out: `--flagfile=flags.cfg --save_dir=...` repeats
    the run elsewhere.

    Args:
        idle: names of flags without effect.
        data: fingerprint of the data set; None: the run looks at none.
    """
    left_out = {*idle, *_NOT_RECORDED}
    named = (FLAGS[name] for name in _own() if name not in left_out)
    lines = [flag.serialize() for flag in named if not flag.help.startswith("Alias for --")]
    comments = [] if data is None else [f"# fingerprint of the data: {data}"]
    return "".join(f"{line}\n" for line in [*lines, *comments] if line)


def _groups() -> dict[str, list[flags.Flag]]:
    """Return {subject: its flags}: a module of flags is about one subject, as it says itself."""
    modules = FLAGS.flags_by_module_dict()
    own = {
        (sys.modules[module].__doc__ or module).split("\n")[0]: own
        for module, own in modules.items()
        if module.startswith("flags.")
    }
    return {**own, "How much is told.": [FLAGS["verbosity"]]}


def _own() -> list[str]:
    modules = FLAGS.flags_by_module_dict()
    return sorted(
        flag.name for module, own in modules.items() if module.startswith("flags.") for flag in own
    )
