"""The page of a run: its structure, its figures, and names that would be markup."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from tests import browser
from tfprune.reporting import document, write_page
from tfprune.reporting.page.charts import Lines, Strip
from tfprune.reporting.page.contents import sections

EVIL = '</style><script>alert("1")</script>\x07\u202e'
VOID = {"meta", "rect", "path", "line", "circle", "polyline"}


class Outline(HTMLParser):
    """Elements with their attributes, headings with their text; refuses what is not nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.headings, self.texts = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    def named(self, tag):
        return [attrs for own, attrs in self.tags if own == tag]


def side(accuracy, parameters, seconds):
    latency = {
        "batch_size": 1, "seconds": seconds, "fastest": seconds / 2, "repeats": 3,
        "quartiles": [seconds * 0.9, seconds * 1.1],
    }  # fmt: skip
    return {
        "results": {"accuracy": accuracy, "loss": 1 - accuracy}, "parameters": parameters,
        "macs": 10 * parameters, "file_bytes": None, "latencies": [latency],
    }  # fmt: skip


def layer(name, kept, channels, pinned=""):
    return {
        "layer": name, "kind": "Conv2D", "kept": kept, "channels": channels,
        "free": 0 if pinned else channels, "pinned": pinned, "coupled_with": [],
        "parameters_before": 8, "parameters_after": 4, "macs_before": 80, "macs_after": 40,
    }  # fmt: skip


@pytest.fixture
def record():
    proof = {"difference": 1e-7, "scale": 1.0, "effect": 0.5, "tolerance": 1e-5,
             "dtype": "float32", "exact": True, "inexact": []}  # fmt: skip
    return {
        "title": f"net {EVIL}", "method": "l1", "amount": {"ratio": 0.5}, "seed": 3,
        "best_epoch": 2, "verification": {"cut": proof}, "observations": [f"down to {EVIL}"],
        "before": side(0.9, 1000, 0.004), "after": side(0.8, 250, 0.002),
        "before_fine_tuning": {"accuracy": 0.1, "loss": 0.9},
        "layers": [layer(f"stem{EVIL}", 1, 4), layer("head", 2, 2, "output of the model")],
        "keep": {f"stem{EVIL}": [False, True, False, False], "head": [True, True]},
        "scores": {f"stem{EVIL}": [0.25, 4.0, -0.5, 1.0], "head": [1.0, 2.0]},
        "training": [{"epoch": 1, "loss": 0.5, "val_loss": 0.6}, {"epoch": 2, "loss": 0.25,
                                                                 "val_loss": None}],
        "flags": f"--name={EVIL}\n--seed=3", "environment": {"versions": {"tfprune": "1.2"}},
    }  # fmt: skip


def test_the_parts_come_in_order_and_missing_ones_are_left_out(record):
    outline = Outline(document(record))
    assert outline.headings == [
        "Worth knowing", "Before and after", "After each stage", "Channels kept",
        "What could not go", "Which channels went", "Training", "Proof", "What was asked",
        "Where it ran",
    ]  # fmt: skip
    del record["training"], record["layers"]
    kept = Outline(document(record)).headings
    assert "Training" not in kept
    assert "Channels kept" not in kept
    assert Outline(document({})).headings == []


def test_nothing_is_fetched_and_no_name_becomes_markup(record):
    page = document(record)
    outline = Outline(page)
    assert not outline.named("script")
    assert len(outline.named("style")) == 1
    attributes = {name for _, attrs in outline.tags for name in attrs}
    assert not attributes & {"src", "href", "onload", "onclick"}
    assert "http" not in page.replace("http-equiv", "")
    assert not set(page) & {"\x07", "\u202e"}
    text = "".join(outline.texts)
    assert '</style><script>alert("1")</script>\\x07\\u202e' in text


def test_bars_are_as_long_as_what_is_kept(record):
    bars = Outline(document(record)).named("rect")
    widths = [float(bar["width"]) for bar in bars if bar["class"] == "kept"]
    # accuracy of the original, after the cut, at the end; then 1 of 4 and 2 of 2 channels
    assert widths == [90, 10, 80, 25, 100]


def test_figures_are_spelled_as_in_the_field(record):
    for when in ("before", "after"):
        record[when]["results"] |= {"miou": 0.5, "iou_road": 0.6, "head_miou": 0.4}
    texts = Outline(document(record)).texts
    assert {"mIoU", "IoU road", "Head mIoU", "Accuracy"} <= {text.strip() for text in texts}


def test_parts_of_a_whole_are_told_as_percentages_on_the_page_and_as_numbers_in_files(record):
    record["training"] = [{"epoch": x, "loss": 0.5, "accuracy": x / 8} for x in (1, 2, 3)]
    outline = Outline(document(record))
    texts = outline.texts
    assert texts[texts.index("Accuracy", texts.index("change")) :][:4] == [
        "Accuracy", "90.00%", "80.00%", "-10.00 points",
    ]  # fmt: skip
    assert texts[texts.index("Loss") :][:4] == ["Loss", "0.1", "0.2", "+0.1000"]
    assert {"10.00%", "12.50%", "25.00%", "37.50%", "20%", "40%"} <= set(texts)
    labels = [one["aria-label"] for one in outline.named("svg") if "aria-label" in one]
    assert labels == ["Loss: training ends at 0.5", "Accuracy: training ends at 37.50%"]
    tables = {table.name: table.csv() for part in sections(record) for table in part.tables}
    assert "Accuracy,0.9,0.8," in tables["comparison"]
    assert "after the cut,0.1,0.9" in tables["stages"]
    assert tables["training"].splitlines()[1] == "1,0.5,0.125"


def test_the_tables_hold_the_values_themselves(record, tmp_path):
    page = write_page(tmp_path / "report", record)
    read = {p.stem: [*csv.DictReader(io.StringIO(p.read_text()))]
            for p in page.parent.glob("*.csv")}  # fmt: skip
    assert json.loads((page.parent / "report.json").read_text()) == record
    assert page.read_text() == document(record)
    found = {row["figure"]: (row["before"], row["after"], row["change"])
             for row in read["comparison"]}  # fmt: skip
    assert found["Parameters"] == ("1000", "250", "-75.0%")
    assert found["Accuracy"] == ("0.9", "0.8", "-10.00 points")
    times = "Milliseconds in Keras, batch of 1"
    assert found[f"{times}, median"] == ("4.0", "2.0", "2.00 times as fast")
    assert float(found[f"{times}, upper quartile"][0]) == pytest.approx(4.4)
    assert [(row["channel"], row["kept"], row["score"]) for row in read["channels"]] == [
        ("0", "False", "0.25"), ("1", "True", "4.0"), ("2", "False", "-0.5"),
        ("3", "False", "1.0"), ("0", "True", "1.0"), ("1", "True", "2.0"),
    ]  # fmt: skip
    assert [(row["layer"], row["because"]) for row in read["pinned"]] == [
        ("head", "output of the model")
    ]


def test_what_went_is_named_from_the_lowest_score_on(record):
    assert "2 (-0.5), 0 (0.25), 3 (1)" in document(record)
    record["scores"] = {}
    assert "The scores are not known" in document(record)


def test_what_was_asked_is_said_in_words(record):
    asked = {"samples": 0, "recalibration": 0, "reconstruction": 300, "training_images": "ab12"}
    (table,) = next(s for s in sections(record | asked) if s.title == "What was asked").tables
    found = dict(table.rows)
    assert found["images the method looked at"] == "all"
    assert found["batches for recalibration"] == "none"
    assert found["images for reconstruction"] == "300"
    assert found["fingerprint of the training images"] == "ab12"
    assert found["seed"] == "3"


def test_exported_files_stand_on_the_page(record):
    plain = {"bytes": 4000, "samples": 3, "difference": 2e-7, "agreement": 1.0, "accuracy": None}
    integers = {
        "bytes": 1000, "samples": 180, "difference": 0.3, "agreement": 0.99,
        "accuracy": [0.97, 0.96], "test_accuracy": 0.95,
    }  # fmt: skip
    record["exported"] = {"saved_model": plain}
    (table,) = next(s for s in sections(record) if s.title == "Exported").tables
    assert "test split" not in table.header
    record["exported"]["tflite_int8"] = integers
    texts = Outline(document(record)).texts
    assert texts[texts.index("tflite_int8") :][:6] == [
        "tflite_int8", "1,000", "95.00%", "99.00%", "0.3", "180",
    ]  # fmt: skip
    assert texts[texts.index("saved_model") :][:5] == [
        "saved_model", "4,000", "100.00%", "2e-07", "3",
    ]  # fmt: skip
    assert "<th scope=col class=number>test split</th>" in document(record)  # as its one number


def test_a_phone_shows_whether_the_models_are_equal_before_the_numbers(record):
    (table,) = next(s for s in sections(record) if s.title == "Proof").tables
    assert (table.header[:2], table.rows[0][:2]) == (["cut", "equal"], ["cut", True])


def test_a_proof_that_proves_nothing_is_a_warning(record):
    record["verification"]["cut"] |= {"effect": 0.0, "inexact": ["LayerNormalization"]}
    (warnings,) = next(s for s in sections(record) if s.title == "Worth knowing").blocks
    assert any("no proof" in line for line in warnings.lines)
    assert "cut: inexact, LayerNormalization" in warnings.lines


def test_curves_are_drawn_to_scale():
    drawn = Outline(Lines("loss", "epoch", {"a": [(1, 0.0), (3, 1.0)], "b": [(2, 0.5)]}).html())
    (curve,), (point,) = drawn.named("polyline"), drawn.named("circle")
    (x0, y0), (x1, y1) = (map(float, pair.split(",")) for pair in curve["points"].split())
    assert (float(point["cx"]), float(point["cy"])) == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2))
    assert x0 < x1
    assert y0 > y1  # downwards in SVG


def test_marks_of_what_goes_point_down():
    kept, gone = Outline(Strip([0.0, 1.0, 2.0], [False, True, True]).html()).named("path")
    assert gone == {"class": "gone", "d": "M4 20v18"}
    assert kept["d"] == "M500 20v-18M996 20v-18"


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_scrolling_sideways(record, tmp_path, width, scheme):
    page = write_page(tmp_path, record)
    with browser.tab(width, scheme) as tab:
        said = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.on("request", lambda request: said.append(request.url))
        tab.goto(page.as_uri())
        assert said == [page.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 23)"
        assert dark == (scheme == "dark")
        assert tab.locator("section").count() == 10
