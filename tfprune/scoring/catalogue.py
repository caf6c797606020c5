"""What there is to choose a method from."""

from tfprune import criteria, plugins


def methods() -> dict[str, str]:
    """Return the methods that `tfprune.prune` and `tfprune.score` know, each in one line.

    Returns:
        {name: what it judges channels by, and its source}.

    Example:
        >>> import tfprune
        >>> tfprune.methods()["random"]
        'Random scores: the baseline that every criterion has to beat.'
    """
    return {name: _headline(name) for name in plugins.names(criteria)}


def _headline(name: str) -> str:
    """Return the first paragraph of a criterion's description as one line."""
    return " ".join(plugins.find(criteria, name, "method").__doc__.split("\n\n")[0].split())
