"""The classes of masks: their names, and the colours in which a person sees them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfprune.errors import PruningError, unknown

VOID = 255  # the label of pixels that do not count: a border, or what is padded
VOID_COLOUR = (224, 224, 192)  # PASCAL VOC's

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Classes:
    """Names and colours, in the order of the labels 0, 1, 2, ...

    Args:
        names: one per class, all different.
        colours: red, green and blue of each, 0..255.

    Example:
        >>> Classes(("sky", "road"), ((0, 0, 255), (90, 90, 90))).palette()[1].tolist()
        [90, 90, 90]
    """

    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def palette(self) -> np.ndarray:
        """Return the colour of every label, uint8 [256, 3]; other labels have that of void."""
        found = np.tile(np.array(VOID_COLOUR, np.uint8), (VOID + 1, 1))
        found[: len(self.colours)] = self.colours
        return found


def voc_colours(count: int) -> tuple[Colour, ...]:
    """Return PASCAL VOC's colours of the labels 0..count-1, which differ in any number of them.

    The bits of a label go in turn to red, green and blue, the lowest ones to the highest places.

    Example:
        >>> voc_colours(3)
        ((0, 0, 0), (128, 0, 0), (0, 128, 0))
    """
    bits = [[label >> bit & 1 for bit in range(8)] for label in range(count)]
    rows = [[sum(b << 7 - i for i, b in enumerate(own[c::3])) for c in range(3)] for own in bits]
    return tuple((red, green, blue) for red, green, blue in rows)


_VOC = """background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse
motorbike person pottedplant sheep sofa train tvmonitor""".split()
_CAMVID = {  # Brostow et al. 2009, in the eleven groups of Badrinarayanan et al. 2017
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (0, 0, 192),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
BUILT_IN = {
    "voc": Classes(tuple(_VOC), voc_colours(len(_VOC))),
    "camvid": Classes(tuple(_CAMVID), tuple(_CAMVID.values())),
}


def find(given: str | os.PathLike) -> Classes:
    """Return built-in classes, or those of a text file.

    A line of the file is a name and perhaps a colour, such as `road 128 64 128`; without colours
    they get PASCAL VOC's. Names have no spaces; what follows a # does not count.

    Args:
        given: "voc", "camvid", or the path of a file.

    Raises:
        PruningError: neither a name nor a file, or a line that is not a class; file and line are
            named.

    Example:
        >>> find("camvid").names[:3]
        ('sky', 'building', 'pole')
    """
    if given in BUILT_IN:
        return BUILT_IN[str(given)]
    path = Path(given).expanduser()
    if not path.is_file():
        hint = "a name of these, or a text file with a class per line (name, or name and colour)"
        raise PruningError(f"{unknown('list of classes', str(given), BUILT_IN)} Give {hint}.")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    parts = [(number, line.split("#")[0].split()) for number, line in enumerate(lines, 1)]
    found = [_class(part, f"{path}, line {number}") for number, part in parts if part]
    _check(found, path)
    names, colours = tuple(name for name, _ in found), [colour for _, colour in found]
    if None in colours:
        return Classes(names, voc_colours(len(names)))
    return Classes(names, tuple(colours))


def _class(parts: Sequence[str], where: str) -> tuple[str, Colour | None]:
    name, *colour = parts
    valid = all(value.isdecimal() and int(value) <= 255 for value in colour)
    if len(colour) not in (0, 3) or not valid:
        raise PruningError(
            f"{where}: expected a class's name, or its name and three numbers from 0 to 255 (red, "
            f"green, blue); received {' '.join(parts)!r}."
        )
    return name, tuple(map(int, colour)) or None


def _check(found: list[tuple[str, Colour | None]], path: Path) -> None:
    names = [name for name, _ in found]
    twice = {name for name in names if names.count(name) > 1}
    if len(names) < 2 or len(names) > VOID or twice:
        received = f"{sorted(twice)[0]!r} twice" if twice else f"{len(names)}"
        raise PruningError(
            f"{path}: expected 2 to {VOID} classes of different names, a line each; received "
            f"{received}."
        )
    given = sum(colour is not None for _, colour in found)
    if 0 < given < len(found):
        raise PruningError(
            f"{path}: expected a colour for each of the {len(found)} classes or for none, received "
            f"{given}."
        )
