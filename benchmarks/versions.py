"""Run tests under several versions of Keras, one environment beside the other.

    python -m benchmarks.versions [--keras=3.12.0,3.15.1] [--folder=DIR] [-- pytest arguments]

Each version is installed into a folder of its own, without its dependencies, and stands before the
installed Keras on the path; nothing else changes. Prints a line for each version.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_VERSIONS = "3.12.0,3.13.2,3.14.0"
_TESTS = ("tests/graph", "tests/surgery", "tests/costs")


def installed(version: str, folder: Path) -> Path:
    """Return the folder that holds a version of Keras, installed there unless it is."""
    place = folder / f"keras-{version}"
    if not (place / "keras").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run(  # noqa: S603 - the caller's own versions
            [*command, "--target", str(place), f"keras=={version}"], check=True
        )
    return place


def tested(place: Path, arguments: Sequence[str]) -> tuple[bool, str]:
    """Return whether tests pass with the packages of a folder first, and pytest's last line."""
    path = os.pathsep.join([str(place), str(Path.cwd())])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(  # noqa: S603 - the caller's own arguments
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    lines = (done.stdout or done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else ""


def main(argv: Sequence[str]) -> int:
    """Print a line for each version; return 1 if any test failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keras", default=_VERSIONS, help="versions, separated by commas")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("arguments", nargs="*", default=list(_TESTS))
    given = parser.parse_args(argv)
    failed = False
    for version in given.keras.split(","):
        passed, line = tested(installed(version, given.folder), given.arguments)
        failed |= not passed
        print(f"Keras {version}: {'passed' if passed else 'FAILED'}: {line}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
