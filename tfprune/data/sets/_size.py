"""The size that a data set's pictures are brought to."""

from collections.abc import Sequence

from tfprune.errors import PruningError


def checked(size: Sequence[int] | None, step: int = 1) -> tuple[int, int] | None:
    """Return a size (H, W) that was asked for; None: none was.

    Args:
        size: a height and a width.
        step: what both are multiples of.

    Raises:
        PruningError: it is no such pair.

    Example:
        >>> checked([64, 48])
        (64, 48)
    """
    if size is None:
        return None
    found = tuple(size) if isinstance(size, Sequence) else ()
    if len(found) != 2 or not all(isinstance(s, int) and s > 0 and s % step == 0 for s in found):
        steps = f" in multiples of {step}" if step > 1 else ", such as (224, 224)"
        raise PruningError(f"image_size must be a height and a width{steps}, received {size!r}.")
    return found
