"""How a graph and a cost show themselves: short, and harmless in a notebook."""

import keras
from keras import layers

import models
import tfprune


def small(name="a"):
    hidden, end = layers.Dense(3, name=name), layers.Dense(2, name="end")
    return keras.Sequential([keras.Input((4,)), hidden, end])


def test_a_graph_and_a_cost_are_one_line_by_repr():
    model = models.build("resnet56")
    graph, cost = tfprune.analyse(model), tfprune.cost(model)
    assert "2,128 of 2,138 channels may go, 58 layers>" in repr(graph)
    assert repr(cost) == "<Cost (mac): 857,706 parameters, 125,747,840 MACs, 169 layers>"


def test_in_a_notebook_they_are_short_tables():
    model = models.build("resnet56")
    for shown in (tfprune.analyse(model)._repr_html_(), tfprune.cost(model)._repr_html_()):
        assert shown.count("<tr>") == 41
        assert "more rows" in shown
        assert len(shown) < 10_000


def test_names_are_escaped_in_a_notebook():
    model = small("<script>alert(1)")
    for shown in (tfprune.analyse(model)._repr_html_(), tfprune.cost(model)._repr_html_()):
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown


def test_print_shows_the_whole_table():
    lines = str(tfprune.analyse(small())).splitlines()
    assert [line.split()[0] for line in lines] == ["Channel", "layer", "a", "end"]
