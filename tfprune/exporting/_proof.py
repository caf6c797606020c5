"""What exported files are judged by, and the data that they are judged on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from tfprune.errors import PruningError
from tfprune.exporting import _signature
from tfprune.exporting.chosen_formats import measures_ranges, quantised
from tfprune.exporting.comparing import EXACT, Check, compare, require_agreement, require_equal

INPUTS, _SAMPLES = "export", "representative data"  # as errors call what the user has passed


@dataclass(frozen=True)
class Proof:
    """What formats are measured and judged by; the fields are arguments of `export`."""

    inputs: Any
    representative: Any
    tolerance: float
    min_agreement: float

    def require(self, model: keras.Model, modules: Sequence[str]) -> None:
        """Refuse values out of range, data that is missing or does not fit, and what is idle."""
        need = quantised(modules)
        if need and self.representative is None:
            raise PruningError(
                f"Format {need[0]!r} needs representative data to measure the ranges of values on: "
                "pass representative=, some hundred training samples as the model takes them; "
                "received None."
            )
        if not need and self.representative is not None:
            raise PruningError(
                f"representative= has no effect on the formats {', '.join(modules)}: leave it out, "
                "or add 'tflite_int8'."
            )
        if not 0 < self.tolerance < 1 or not 0 <= self.min_agreement <= 1:
            raise PruningError(
                "export: expected a tolerance in (0, 1) and min_agreement in [0, 1], received "
                f"{self.tolerance} and {self.min_agreement}."
            )
        for data, user in ((self.inputs, INPUTS), (self.representative, _SAMPLES)):
            if data is not None:  # all of it is read later, after long conversions
                next(_signature.flat_batches(data, model, user))

    def samples(self, model: keras.Model) -> Iterator[list]:
        """Yield the representative data, flat."""
        for flat in _signature.flat_batches(self.representative, model, _SAMPLES):
            yield flat.inputs

    def check(self, name: str, module: ModuleType, model: keras.Model, path: Path) -> Check:
        """Load what was written, and refuse it unless it is equal, or agrees if quantised."""
        data = self.representative if self.inputs is None else self.inputs
        if data is None:
            batches = iter([_signature.Flat(_signature.example_inputs(model))])
        else:
            batches = _signature.flat_batches(data, model, INPUTS)
        seen = compare(model, module.load(path, model), batches)
        if measures_ranges(module):
            require_agreement(name, seen, self.min_agreement, self.limit(module, model))
        else:
            require_equal(name, seen, self.limit(module, model))
        return seen.check()

    def limit(self, module: ModuleType, model: keras.Model) -> float:
        """Return the largest accepted difference of a format, as a share of the scale."""
        own = 0.0 if module.TOLERANCE == EXACT else module.TOLERANCE
        return max(self.tolerance, own, _signature.resolution(model))


def readable_again(data: Any) -> Any:
    """Return data that can be read several times."""
    return list(data) if isinstance(data, Iterator) else data
