"""Bars: in a notebook and on a terminal by themselves, and nothing elsewhere."""

from functools import partial

import keras
import numpy as np
import pytest

import tfprune
from tfprune.passes import bars
from tfprune.passes.progress import tell, telling


class Drawn:
    """Takes the place of tqdm, and remembers."""

    def __init__(self, made, **options):
        self.options, self.updates, self.closed = options, [], False
        made.append(self)

    def update(self, steps):
        self.updates.append(steps)

    def close(self):
        self.closed = True


class Terminal:
    def isatty(self):
        return True


@pytest.fixture
def drawn(monkeypatch):
    made = []
    monkeypatch.setattr(bars, "notebook_tqdm", lambda: partial(Drawn, made))
    monkeypatch.setattr(bars, "in_notebook", lambda: True)
    # A fresh one, as a notebook that was just started has it.
    with telling(bars.OwnBars()):
        yield made


def test_a_bar_is_drawn_from_what_is_told(drawn):
    for done in (1, 3, 4):
        tell(done, 4, "sets")
    (bar,) = drawn
    assert bar.options == {"total": 4, "desc": "sets", "leave": False, "delay": 2.0}
    assert bar.updates == [1, 2, 1]
    assert bar.closed


def test_another_pass_gets_another_bar(drawn):
    for done in (5, 9, 2):
        tell(done)
    first, second = drawn
    assert (first.updates, first.closed) == ([5, 4], True)
    assert (second.updates, second.closed) == ([2], False)


def test_a_step_of_passes_keeps_its_bar(drawn):
    for step in (1, 2):
        tell(8, what="samples")
        tell(16, what="samples")
        tell(step, 2, "sets")
    of = {what: [b for b in drawn if b.options["desc"] == what] for what in ("samples", "sets")}
    assert [bar.updates for bar in of["sets"]] == [[1, 1]]
    assert [bar.updates for bar in of["samples"]] == [[8, 8], [8, 8]]


def test_long_work_of_the_library_shows_them(drawn):
    layers = [keras.Input((6,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(2)]
    graph = tfprune.analyse(keras.Sequential(layers))
    images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    tfprune.sensitivity(graph, images)
    tfprune.score(graph, "taylor", (images, np.zeros(64, int)))
    shown = {bar.options["desc"] for bar in drawn}
    assert shown == {"calls of layers", "sets of channels", "samples"}


def test_the_stages_of_a_pruning_are_a_bar(drawn):
    layers = [keras.Input((6,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(2)]
    images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    tfprune.prune(keras.Sequential(layers), images, "l2", ratio=0.5, reconstruct=True)
    (bar,) = (bar for bar in drawn if bar.options["desc"] == "stages")
    assert (bar.options["total"], bar.updates, bar.closed) == (6, [0] + 6 * [1], True)


def test_who_listens_is_told_instead(drawn):
    told = []
    with telling(lambda *values: told.append(values)):
        tell(1, 2, "sets")
    with telling(None):
        tell(2, 2, "sets")
    assert told == [(1, 2, None)]
    assert drawn == []


def test_nothing_is_drawn_where_nobody_looks(drawn, monkeypatch):
    monkeypatch.setattr(bars, "in_notebook", lambda: False)
    tell(1, 2, "sets")
    assert drawn == []


def test_a_terminal_gets_bars_of_text(drawn, monkeypatch):
    monkeypatch.setattr(bars, "in_notebook", lambda: False)
    monkeypatch.setattr(bars.sys, "stderr", Terminal())
    made = []
    monkeypatch.setattr(bars, "tqdm", partial(Drawn, made))
    tell(1, 2, "sets")
    assert [bar.options["desc"] for bar in made] == ["sets"]
    assert drawn == []


def test_bars_of_passes_of_unknown_length_end_with_them(drawn):
    """Else they would stand before the terminal's next prompt."""
    layers = [keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile(loss="sparse_categorical_crossentropy")
    images = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    batches = [(images, np.zeros(64, int))]
    tfprune.score(tfprune.analyse(model), "taylor", iter(batches))
    tfprune.training.recalibrate(model, iter(batches))
    tfprune.training.evaluate(model, iter(batches))
    assert {bar.options["desc"] for bar in drawn} == {"samples", "batches"}
    assert all(bar.closed for bar in drawn)


NOTEBOOK = """
import numpy as np, keras, tfprune
from tfprune.passes import bars
bars.DELAY = 0  # so short a step would show none
layers = [keras.Input((6,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(2)]
model = keras.Sequential(layers)
images = np.ones((64, 6), "float32")
measured = tfprune.sensitivity(tfprune.analyse(model), images)
model, _ = tfprune.fine_tune(model, (images, np.zeros(64, int)), epochs=1)
"""


def test_a_real_notebook_shows_a_bar_and_keras_own():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    widgets = [out.data for out in outputs if out.output_type == "display_data"]
    text = "".join(out.text for out in outputs if out.output_type == "stream")
    assert "sets of channels" in str(widgets) + text
    assert "loss:" in text
