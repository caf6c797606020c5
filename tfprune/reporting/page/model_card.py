"""A model card (Markdown) from what a run knows, with what nobody measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from tfprune import tasks
from tfprune.reporting.page.contents import warnings
from tfprune.texts import escaped, readable

Record = Mapping[str, Any]


def model_card(record: Record) -> str:
    """Return a model card of a pruned model.

    Args:
        record: plain values, as `prune.py` writes them into `report/report.json`; what is missing
            is left out.

    Example:
        >>> print(model_card({"title": "net pruned by l1", "method": "l1"}).splitlines()[4])
        # net pruned by l1
    """
    return "\n".join([*_head(record), *_figures(record), *_how(record), *_limits(record)]) + "\n"


def _head(record: Record) -> Iterator[str]:
    # Front matter as model hubs read it: names of our own, no text of the user's.
    yield from ("---", "library_name: keras", "tags: [pruning, tfprune]", "---")
    yield f"# {_text(record.get('title', 'A pruned model'))}"
    yield ""
    if "arch" in record:
        data = f" on {_code(record['data'])}" if "data" in record else ""
        yield (
            f"A Keras model of plain layers: {_code(record['arch'])}{data} with channels removed "
            f"by {_code(record.get('method', ''))}. It loads with `keras.models.load_model`."
        )
        yield ""


def _figures(record: Record) -> Iterator[str]:
    if "before" not in record:
        return
    before, after = record["before"], record["after"]
    yield from ("## Figures", "", "| on the test split | original | pruned |", "|---|--:|--:|")
    for name in sorted(before["results"].keys() & after["results"].keys()):
        was, now = (tasks.formatted(name, side["results"][name]) for side in (before, after))
        yield f"| {_text(name)} | {was} | {now} |"
    for name, key in (("parameters", "parameters"), ("MACs", "macs"), ("bytes", "file_bytes")):
        if before[key] is not None and after[key] is not None:
            yield f"| {name} | {before[key]:,} | {after[key]:,} |"
    yield ""


def _how(record: Record) -> Iterator[str]:
    names = ("method", "amount", "options", "schedule", "samples", "reconstruction", "passes",
             "baseline", "normalisation", "training_images", "seed")  # fmt: skip
    given = {name: record.get(name) for name in names}
    given = {name: value for name, value in given.items() if value not in (None, {}, "")}
    if given:
        yield from ("## How it was made", "")
        yield from (
            f"- {name.replace('_', ' ')}: {_code(readable(x))}" for name, x in given.items()
        )
        yield ""
    versions = record.get("environment", {}).get("versions", {})
    if versions:
        yield f"With {', '.join(f'{name} {version}' for name, version in versions.items())}."
        yield ""


def _limits(record: Record) -> Iterator[str]:
    yield from ("## Limits", "")
    yield from (f"- {_text(line)}" for line in warnings(record))
    yield "- Figures are of one run and one seed; classes were not looked at one by one."
    yield "- What the original must not be used for, this model must not be used for either."


def _text(value: object) -> str:
    """Return a text that Markdown takes as it stands."""
    marks = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]#|"})
    return escaped(str(value).translate(marks))


def _code(value: object) -> str:
    return f"<code>{escaped(value).replace('|', '&#124;')}</code>"
