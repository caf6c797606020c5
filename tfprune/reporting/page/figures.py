"""The parts of the page that tell of figures: before and after, stages, training."""

from collections.abc import Iterator, Mapping
from typing import Any

from tfprune import tasks
from tfprune.reporting.page.blocks import Bars, Note, Table, Tiles
from tfprune.reporting.page.charts import Lines
from tfprune.texts import Share

Record = Mapping[str, Any]
_SPELLED = {"iou": "IoU", "miou": "mIoU"}
_COSTS = {"Parameters": "parameters", "MACs": "macs", "File, bytes": "file_bytes"}


def tiles(record: Record) -> Tiles | None:
    """Return the few figures that sum a run up; None where two models are not compared."""
    if "before" not in record:
        return None
    before, after = record["before"], record["after"]
    found = []
    if before["results"]:
        name = tasks.headline(before["results"])
        was, now = (tasks.formatted(name, side["results"][name]) for side in (before, after))
        found.append((_titled(name), now, f"was {was}"))
    for what, key in (("Parameters", "parameters"), ("MACs", "macs")):
        was, now = before[key], after[key]
        found.append((what, f"{now / was:.1%}" if was else "0", f"{now:,} of {was:,}"))
    for was, now in _timed_pairs(record):
        faster = f"{was['seconds'] / now['seconds']:.2f} times"
        times = f"{_milliseconds(now)} instead of {_milliseconds(was)}"
        found.append((f"Speed in {_runtime(was)}, batch of {was['batch_size']}", faster, times))
    return Tiles(found)


def comparison(record: Record) -> list[Any]:
    """Return the table of both models."""
    if "before" not in record:
        return []
    rows = [[name, *values] for name, values in _figures(record)]
    return [Table("comparison", ["figure", "before", "after", "change"], rows)]


def stages(record: Record, names: Mapping[str, str]) -> list[Any]:
    """Return the headline figure after each stage of a run.

    Args:
        record: as for `sections`.
        names: {key of a stage's figures: how it is called}, in their order.
    """
    if not record.get("before", {}).get("results"):
        return []
    found = {"original": record["before"]["results"]}
    found |= {said: record[key] for key, said in names.items() if key in record}
    found["at the end"] = record["after"]["results"]
    name = tasks.headline(found["original"])
    most = 1.0 if tasks.is_share(name) else max(one[name] for one in found.values()) or 1.0
    bars = [
        (said, one[name] / most, tasks.formatted(name, one[name])) for said, one in found.items()
    ]
    columns = sorted(found["original"])
    rows = [
        [said, *(_value(column, one.get(column)) for column in columns)]
        for said, one in found.items()
    ]
    return [
        Note([f"{_titled(name)} on the test split, which nothing was chosen by."]),
        Bars(bars),
        Table("stages", ["stage", *columns], rows, folded="All figures"),
    ]


def training(record: Record) -> list[Any]:
    """Return curves over the epochs of the last training."""
    rows = record.get("training", ())
    if not rows:
        return []
    names = [name for name in rows[0] if name != "epoch"]
    charts = []
    for name in (name for name in names if not name.startswith("val_")):
        drawn = {said: key for said, key in (("training", name), ("validation", f"val_{name}"))
                 if key in names}  # fmt: skip
        series = {said: [(row["epoch"], row[key]) for row in rows if _drawn(row.get(key))]
                  for said, key in drawn.items()}  # fmt: skip
        series = {said: line for said, line in series.items() if line}
        if series:
            charts.append(Lines(_titled(name), "epoch", series, shares=tasks.is_share(name)))
    table = [[_value(name, row.get(name)) for name in ("epoch", *names)] for row in rows]
    return [_Charts(charts), Table("training", ["epoch", *names], table, folded="All epochs")]


class _Charts:
    """Charts side by side where there is room."""

    def __init__(self, charts: list[Lines]) -> None:
        self.charts = charts

    def html(self) -> str:
        return f"<div class=charts>{''.join(chart.html() for chart in self.charts)}</div>"


def _figures(record: Record) -> Iterator[tuple[str, list[Any]]]:
    before, after = record["before"], record["after"]
    for name in sorted(before["results"].keys() & after["results"].keys()):
        was, now = (_value(name, side["results"][name]) for side in (before, after))
        points = f"{100 * (now - was):+.2f} points"
        yield _titled(name), [was, now, points if tasks.is_share(name) else f"{now - was:+.4f}"]
    for name, key in _COSTS.items():
        was, now = before[key], after[key]
        if was and now is not None:
            yield name, [was, now, f"{now / was - 1:+.1%}"]
    for was, now in _timed_pairs(record):
        for name, (then, since) in _times(was, now).items():
            change = f"{then / since:.2f} times as fast" if name == "median" else ""
            what = f"Milliseconds in {_runtime(was)}, batch of {was['batch_size']}, {name}"
            yield what, [then, since, change]


def _times(was: Record, now: Record) -> dict[str, tuple[float, float]]:
    """Return {what: milliseconds before and after}."""
    found = {"median": (was["seconds"], now["seconds"])}
    for place, name in enumerate(("lower quartile", "upper quartile")):
        found[name] = (was["quartiles"][place], now["quartiles"][place])
    return {name: (1e3 * then, 1e3 * since) for name, (then, since) in found.items()}


def _timed_pairs(record: Record) -> Iterator[tuple[Record, Record]]:
    times = {one["batch_size"]: one for one in record.get("after", {}).get("latencies", ())}
    for was in record.get("before", {}).get("latencies", ()):
        if was["batch_size"] in times:
            yield was, times[was["batch_size"]]


def _runtime(latency: Record) -> str:
    found = latency.get("runtime", "keras")
    return "Keras" if found == "keras" else found


def _milliseconds(latency: Record) -> str:
    return f"{1e3 * latency['seconds']:.2f} ms"


def _value(name: str, value: Any) -> Any:
    """Return a figure as a table holds it."""
    return Share(value) if value is not None and tasks.is_share(name) else value


def _drawn(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < float("inf")  # NaN is not below it


def _titled(name: str) -> str:
    words = " ".join(_SPELLED.get(word, word) for word in name.split("_"))
    return words if words.startswith(tuple(_SPELLED.values())) else words[:1].upper() + words[1:]
