"""`--flagfile=NAME` finds the papers' presets wherever the scripts lie."""

from collections.abc import Iterable
from pathlib import Path

from tfprune.errors import unknown

PRESETS = Path(__file__).parent / "presets"


def found(arguments: Iterable[str]) -> list[str]:
    """Return the arguments; a flag file that is not here is replaced by the preset of its name.

    Args:
        arguments: of the command line, `--flagfile=NAME` or `--flagfile NAME` among them.

    Raises:
        PruningError: there is neither a file nor a preset; the presets are listed.
    """
    result, follows = [], False
    for argument in arguments:
        flag, equals, name = argument.partition("=")
        is_flag = flag in ("-flagfile", "--flagfile")
        if follows:
            result.append(_path(argument))
        else:
            result.append(f"{flag}={_path(name)}" if is_flag and equals else argument)
        follows = is_flag and not equals
    return result


def _path(name: str) -> str:
    if Path(name).exists():
        return name
    stem = Path(name).name.removesuffix(".cfg")
    presets = {path.stem: path for path in PRESETS.glob("*.cfg")}
    if stem not in presets:
        raise unknown("flag file", name, sorted(presets))
    return str(presets[stem])
