"""Run measurements of the scoring by their names: `python -m benchmarks.scoring NAME...`."""

import sys
from collections.abc import Sequence

from benchmarks import scoring
from tfprune import plugins
from tfprune.errors import PruningError


def main(names: Sequence[str]) -> None:
    """Run the named measurements one after the other.

    Args:
        names: modules of `benchmarks.scoring`, each with a `main()`.

    Raises:
        PruningError: no name, or an unknown one; the valid names are listed.
    """
    if not names:
        raise PruningError(
            f"python -m benchmarks.scoring: expected names of {plugins.names(scoring)}, received "
            "none."
        )
    found = [plugins.find(scoring, name, "measurement of the scoring") for name in names]
    for module in found:
        module.main()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PruningError as error:
        sys.exit(str(error))
