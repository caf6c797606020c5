"""The console command: `tfprune prune --arch resnet20` is `python prune.py --arch resnet20`.

In the repository the scripts lie at the top, with `flags` and `models` beside them; the wheel
carries the same files in `tfprune_commands/scripts`. Only the command's own process finds them
there: `flags` and `models` are too general as names for everybody. This package stands beside
`tfprune`, not in it: importing from there takes TensorFlow's seconds, and `--help` should not.
"""

import ast
import runpy
import sys
from importlib import metadata
from pathlib import Path

_HERE = Path(__file__).parent
FOLDER = _HERE / "scripts" if (_HERE / "scripts").is_dir() else _HERE.parent
_BUILDS = "setup"
# What a user typed: messages of the scripts begin with it.
called: list[str] = []


def names() -> list[str]:
    """Return the names of the commands: those of the scripts."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != _BUILDS)


def main() -> None:
    """Run the script that the command line names, as Python would run its file."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        print(_overview())  # noqa: T201 - it is asked for
    elif name == "--version":
        print(f"tfprune {metadata.version('tfprune')}")  # noqa: T201 - it is asked for
    elif name in names():
        script = str(FOLDER / f"{name}.py")
        called.append(f"tfprune {name}")
        sys.argv = [script, *arguments]
        sys.path.insert(0, str(FOLDER))
        runpy.run_path(script, run_name="__main__")
    else:
        sys.stderr.write(
            f"tfprune: unknown command {name!r}. Valid commands: {', '.join(names())}.\n"
        )
        sys.exit(2)


def _overview() -> str:
    lines = ["usage: tfprune COMMAND [--name=value ...]", ""]
    lines += [f"  {name:<17}{_about(name)}" for name in names()]
    return "\n".join([*lines, "", "`tfprune COMMAND --help` lists a command's flags."])


def _about(name: str) -> str:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
