"""What `--help` shows: flags in groups, with valid names.

TensorFlow takes seconds to import, so a page is kept beside Python's own compiled files, and shown
from there until a file of the program changes.
"""

import contextlib
import hashlib
import os
import sys
import textwrap
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent
KEPT = Path(__file__).parent / "__pycache__"
_WORDS = {"--help", "-help", "-h", "-?", "--helpfull", "--helpshort"}


def answer(argv: list[str]) -> None:
    """Show the page of a script that was shown before, and end the program, if it is asked for.

    Args:
        argv: the program and its arguments.
    """
    if asked(argv) and (ROOT / Path(argv[0]).name).is_file() and _kept(argv[0]).is_file():
        _end_with(_kept(argv[0]).read_text(encoding="utf-8"))


def asked(argv: list[str]) -> bool:
    """Return whether a command line asks for help."""
    return bool(_WORDS & set(argv[1:]))


def show(program: str, about: str, groups: dict[str, list[Any]]) -> None:
    """Make a script's page, keep it, show it and end the program.

    Args:
        program: the script's path.
        about: what it says of itself.
        groups: {subject: its flags}, in order.
    """
    text = page(Path(program).name, about, groups)
    with contextlib.suppress(OSError):  # a folder that may not be written: it is made each time
        KEPT.mkdir(exist_ok=True)
        for old in KEPT.glob(f"help_{Path(program).stem}_*.txt"):
            old.unlink()
        _kept(program).write_text(text, encoding="utf-8")
    _end_with(text)


def _end_with(text: str) -> NoReturn:
    """Show a page and end the program, also where nobody reads on, as in `--help | head`."""
    try:
        print(text, flush=True)  # noqa: T201 - it is asked for
    except BrokenPipeError:
        # What is left in the buffer would be written once more, and fail, at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def page(program: str, about: str, groups: dict[str, list[Any]]) -> str:
    """Return a script's page.

    Args:
        program: the script's name.
        about: what it says of itself.
        groups: {subject: its flags}, in order.
    """
    lines = [about.strip(), "", f"usage: {_called(program)} [--name=value ...]"]
    for subject, found in groups.items():
        lines += ["", subject, *(_wrapped(_line(flag)) for flag in found)]
    return "\n".join(lines)


def _called(program: str) -> str:
    return f"python {program}, or where it is installed: tfprune {Path(program).stem}"


def _line(flag: Any) -> str:
    switch = "[no]" if flag.boolean else ""
    default = "" if flag.default is None else f"={flag.serialize().partition('=')[2]}"
    if flag.boolean:
        default = {True: " (on)", False: " (off)"}.get(flag.default, "")
    return f"  --{switch}{flag.name}{default}: {' '.join(flag.help.split())}"


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 100, subsequent_indent=" " * 6, break_on_hyphens=False)


def _kept(program: str) -> Path:
    """Return the page's file, named after all files that it may depend on."""
    packages = (ROOT / name for name in ("flags", "models", "tfprune"))
    folders = [ROOT.glob("*.py"), *(package.rglob("*.py") for package in packages)]
    found = sorted((str(path), path.stat().st_mtime_ns) for paths in folders for path in paths)
    mark = hashlib.sha256(repr(found).encode()).hexdigest()[:16]
    return KEPT / f"help_{Path(program).stem}_{mark}.txt"
