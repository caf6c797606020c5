"""Flags that hold pairs of a name and a value."""

from absl import flags

from tfprune.errors import PruningError

FLAGS = flags.FLAGS


def given(flag: str, example: str) -> dict[str, str]:
    """Return {name: value} of a flag that is given as name=value, and may be repeated.

    Args:
        flag: its name.
        example: for the error message.

    Raises:
        PruningError: no name=value, or one name twice.
    """
    found: dict[str, str] = {}
    for text in FLAGS[flag].value:
        name, equals, value = text.partition("=")
        name = name.replace("-", "_")
        if not equals:
            raise PruningError(
                f"--{flag}: expected name=value such as {example}, received {text!r}."
            )
        if name in found:
            raise PruningError(f"--{flag}={name} is given twice. Leave one of them out.")
        found[name] = value
    return found
