"""Numbers among the environment's variables."""

from collections.abc import Mapping

from tfprune.errors import PruningError

_PORTS = 65535


def whole(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    """Return a whole number that a variable holds.

    Args:
        environment: the variables.
        name: of the variable.
        default: where it is not set.

    Raises:
        PruningError: it holds no whole number from 0 on.

    Example:
        >>> whole({"SLURM_PROCID": "3"}, "SLURM_PROCID"), whole({}, "SLURM_PROCID", 1)
        (3, 1)
    """
    text = environment.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdecimal()):
        raise PruningError(
            f"{name}={text} cannot be read: expected a whole number from 0 on. Set it to one."
        )
    return int(text)


def port(environment: Mapping[str, str], default: int, last: int = 0) -> int:
    """Return the first port that workers listen on, of TFPRUNE_PORT or the default.

    Args:
        environment: the variables.
        default: where TFPRUNE_PORT is not set.
        last: how many ports more a host needs.

    Raises:
        PruningError: it is no number, or there are no such ports.

    Example:
        >>> port({}, 8888), port({"TFPRUNE_PORT": "4000"}, 8888)
        (8888, 4000)
    """
    found = whole(environment, "TFPRUNE_PORT", default)
    if not 1 <= found <= _PORTS - last:
        raise PruningError(
            f"TFPRUNE_PORT={found} cannot be: expected 1 to {_PORTS - last}, for a host needs "
            f"{last + 1} from there on. Set another one."
        )
    return found
