"""What `--help` shows: flags in groups, with valid names.

To make a page all flags have to be defined, and TensorFlow takes seconds to import. So the pages
lie beside this file as text, and are shown from there unless a file of the program is newer; then a
page is made, and written where that is allowed. A test compares the texts with the flags.
"""

import contextlib
import os
import sys
import textwrap
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent
PAGES = Path(__file__).parent / "pages"
_WORDS = {"--help", "-help", "-h", "-?", "--helpfull", "--helpshort"}
_TOGETHER = 300  # seconds in which a checkout or an installation writes all its files


def answer(argv: list[str]) -> None:
    """Show the page of a script, and end the program, if it is asked for and lies ready.

    Args:
        argv: the program and its arguments.
    """
    if asked(argv) and (ROOT / Path(argv[0]).name).is_file() and _is_new(kept(argv[0])):
        _end_with(kept(argv[0]).read_text(encoding="utf-8").removesuffix("\n"))


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
    if (ROOT / Path(program).name).is_file():
        with contextlib.suppress(OSError):  # a folder that may not be written: it is made each time
            kept(program).write_text(f"{text}\n", encoding="utf-8")
    _end_with(text)


def kept(program: str) -> Path:
    """Return the file of a script's page.

    Args:
        program: the script's path.
    """
    return PAGES / f"{Path(program).stem}.txt"


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


def _is_new(page: Path) -> bool:
    """Return whether a page is there, and no file that it may depend on was written after it."""
    packages = (ROOT / name for name in ("flags", "models", "tfprune"))
    sources = (ROOT.glob("*.py"), *(package.rglob("*.py") for package in packages))
    newest = max(path.stat().st_mtime for paths in sources for path in paths)
    return page.is_file() and newest < page.stat().st_mtime + _TOGETHER
