"""The networks that were trained here are what their page and their recipe say."""

import csv
import json
import re
from pathlib import Path

import pytest

import tfprune
from benchmarks.grid import material

ROOT = Path(__file__).parents[2]
NAMES = material.names(None)
PAGE = (ROOT / "docs" / "results.md").read_text()


def flags(path):
    lines = path.read_text().splitlines()
    found = {line.partition("=")[0]: line.partition("=")[2] for line in lines if line[:2] == "--"}
    return {
        key: float(value) if re.match(r"[\d.]", value) else value for key, value in found.items()
    }


def test_there_is_one():
    assert "resnet20" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_is_small_and_what_its_report_says(name):
    folder = material.TRAINED / name
    report = json.loads((folder / "report.json").read_text())
    model = material.network(name, None)
    material.fed_with(name).require_fit(model)
    cost = tfprune.cost(model)
    assert (cost.params, cost.macs) == (report["parameters"], report["macs"])
    assert (folder / f"{name}.keras").stat().st_size < 2e6
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` "))
    assert f"| {report['results']['accuracy']:.2%} |".replace("%", " %") in row


@pytest.mark.parametrize("name", NAMES)
def test_it_was_trained_by_its_preset_to_the_end(name):
    folder = material.TRAINED / name
    recipe = flags(ROOT / "flags" / "presets" / f"cifar10_{name}_train.cfg")
    assert recipe.items() <= flags(folder / "flags.cfg").items()
    with (folder / "metrics.csv").open(newline="") as file:
        epochs = [int(row["epoch"]) for row in csv.DictReader(file)]
    assert epochs == list(range(1, int(recipe["--epochs"]) + 1))
