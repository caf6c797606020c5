"""What an export has written, and what its checks have found."""

from collections.abc import Mapping
from pathlib import Path

from tfprune.exporting.comparing import Check


class Exported(dict[str, Path]):
    """{format: path of what was written}; `str()` is a table of sizes and checks.

    Args:
        paths: of each format.
        checks: what its comparison with the model has found, by format.

    Example:
        >>> print(Exported({"keras": Path("no file")}, {"keras": Check(3, 2e-7, 1.0)}))
        format                        bytes   difference   agreement    accuracy
        keras                             0        2e-07     100.00%
    """

    def __init__(self, paths: Mapping[str, Path], checks: Mapping[str, Check]) -> None:
        super().__init__(paths)
        self.checks = dict(checks)

    def __str__(self) -> str:
        lines = [f"{'format':<21}{'bytes':>14}{'difference':>13}{'agreement':>12}{'accuracy':>12}"]
        for name, path in self.items():
            check = self.checks[name]
            agreement = _share(check.agreement)
            accuracy = _share(check.accuracy and check.accuracy[1])
            figures = f"{size(path):>14,}{check.difference:>13.0e}{agreement:>12}{accuracy:>12}"
            lines.append(f"{name:<21}{figures}".rstrip())
        return "\n".join(lines)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 where there is nothing."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"
