"""Measured times per layer and width, kept in a file that goes from device to device."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tfprune.costs.timing.blocks import blocks
from tfprune.costs.timing.layer_times import LayerTimes
from tfprune.errors import PruningError
from tfprune.files import read_text, write_text
from tfprune.graph.channel_graph import ChannelGraph

_FORMAT = "tfprune latency table 1"
_CPUS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Setting:
    """Where and how times were measured.

    Args:
        runtime: name of the export format.
        batch_size: samples per call.
        threads: how many the runtime computed with; None for its own choice.
        clock: "wall" or "processor".
        device: what computed.
    """

    runtime: str
    batch_size: int
    threads: int | None
    clock: str
    device: Mapping[str, Any]

    @property
    def is_here(self) -> bool:
        """Whether this machine is of the kind that was measured."""
        return dict(self.device) == device()


@dataclass(frozen=True, eq=False)
class LatencyTable:
    """What each layer of a model takes at any width on a device; `tfprune.select` reads it.

    The whole model's time is `scale` times the sum of its layers', and `constant`: what lies
    between layers, measured on the whole model and on one with half of each layer's channels.

    Args:
        setting: where and how.
        layers: {layer name: its times}.
        whole: two pairs of the sum over the layers and the seconds of the whole model.
    """

    setting: Setting
    layers: Mapping[str, LayerTimes]
    whole: tuple[tuple[float, float], tuple[float, float]]

    @cached_property
    def scale(self) -> float:
        """The whole model's seconds per second of its layers."""
        (most, slow), (least, fast) = self.whole
        if least < 0.9 * most and fast < slow:
            return (slow - fast) / (most - least)
        return slow / most  # two points too near to each other say nothing about a slope

    @cached_property
    def constant(self) -> float:
        """The seconds that no layer's width changes; negative where calls are dear."""
        most, slow = self.whole[0]
        return slow - self.scale * most

    def save(self, path: str | os.PathLike) -> Path:
        """Write the table as JSON.

        Args:
            path: the file.
        """
        value = {
            "format": _FORMAT,
            "setting": asdict(self.setting),
            "whole": self.whole,
            "layers": {name: times.to_json() for name, times in self.layers.items()},
        }
        write_text(path, json.dumps(value, indent=1))
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LatencyTable":
        """Read a table that `save` wrote, perhaps elsewhere.

        Args:
            path: the file.

        Raises:
            PruningError: there is no such file, or it holds something else.
        """
        text = read_text(path, "Make it with tfprune.latency_table(...).save(path).")
        try:
            value = json.loads(text)
            if value["format"] != _FORMAT:
                raise ValueError(f"its format is {value['format']!r}")
            layers = {name: LayerTimes.from_json(own) for name, own in value["layers"].items()}
            (first, second) = (tuple(map(float, pair)) for pair in value["whole"])
            return cls(Setting(**value["setting"]), layers, (first, second))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PruningError(
                f"{path} is no latency table: expected a file of LatencyTable.save, format "
                f"{_FORMAT!r}; {type(error).__name__}: {error}. Make it anew with "
                "tfprune.latency_table."
            ) from error

    def require_fit(self, graph: ChannelGraph) -> None:
        """Refuse a model whose layers are not those of the table.

        Args:
            graph: channel graph of the model.

        Raises:
            PruningError: a layer is missing, or of another width.
        """
        for name, block in blocks(graph).items():
            own = self.layers.get(name)
            whole = None if own is None else tuple(widths[-1] for widths in own.widths)
            if own is not None and whole != block.widths:
                raise PruningError(
                    f"The latency table is of another model: layer {name!r} has widths "
                    f"{block.widths}, in the table {whole}. Make one for model "
                    f"{graph.model.name!r} with tfprune.latency_table."
                )
        missing = [name for name in self.layers if name not in graph.owners]
        if missing or not self.layers:
            raise PruningError(
                f"The latency table is of another model: {graph.model.name!r} has no layer "
                f"{', '.join(missing[:5]) or 'that it knows'}. Make one for it with "
                "tfprune.latency_table."
            )

    def __repr__(self) -> str:
        one = self.setting
        return (
            f"<LatencyTable of {len(self.layers)} layers: {one.runtime}, batch of "
            f"{one.batch_size}, {1e3 * self.whole[0][1]:.2f} ms>"
        )


def device() -> dict[str, Any]:
    """Return what tells one kind of device from another.

    Example:
        >>> sorted(device())
        ['cores', 'machine', 'processor', 'system']
    """
    lines = _CPUS.read_text().splitlines() if _CPUS.exists() else []
    processor = next((line for line in lines if line.startswith("model name")), "")
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor.partition(":")[2].strip() or platform.processor(),
        "cores": os.cpu_count(),
    }
