"""Refuse options that are of another type than expected, or out of range."""

from math import isnan
from numbers import Integral, Real

import numpy as np

from tfprune.errors import PruningError


def check_bool(name: str, value: object) -> None:
    """Refuse what is not a truth value: of "false" and 0.5 Python would make True.

    Args:
        name: the option.
        value: what it is set to.

    Example:
        >>> check_bool("cap", "false")
        Traceback (most recent call last):
        ...
        tfprune.errors.PruningError: cap must be True or False, received 'false'.
    """
    if not isinstance(value, bool | np.bool_):
        raise PruningError(f"{name} must be True or False, received {value!r}.")


def check_whole(name: str, value: object) -> None:
    """Refuse anything but a whole number from 1 on.

    Args:
        name: the option.
        value: what it is set to.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise PruningError(f"{name} must be a whole number from 1 on, received {value!r}.")


def check_seed(name: str, value: object) -> None:
    """Refuse anything but a whole number from 0 on.

    Args:
        name: the option.
        value: what it is set to.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise PruningError(f"{name} must be a whole number from 0 on, received {value!r}.")


def check_number(name: str, value: object) -> None:
    """Refuse anything but a number.

    Args:
        name: the option.
        value: what it is set to.
    """
    if not _is_number(value):
        raise PruningError(f"{name} must be a number, received {value!r}.")


def check_share(name: str, value: object, *, removed: bool) -> None:
    """Refuse anything but a share: in [0, 1) of what is removed, in (0, 1] of what is left.

    Args:
        name: the option.
        value: what it is set to.
        removed: of which of the two.
    """
    inside = _is_number(value) and (0 <= value < 1 if removed else 0 < value <= 1)
    if not inside:
        expected = "[0, 1), the share that is removed" if removed else "(0, 1], the share left"
        raise PruningError(f"{name} must lie in {expected}; received {value!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not isnan(value)
