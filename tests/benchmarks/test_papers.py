"""The tables beside the papers' and the peer's say what was measured and nothing else."""

import numpy as np
import pytest

import models
import tfprune
from benchmarks import marks, papers, peer_choices, rows
from benchmarks.grid.material import PUBLISHED
from tfprune.weights.layouts.hrank_resnet import modules

NAME = "gfi, resnet32, p = 0.41"


def test_every_setting_is_of_a_published_network_and_of_a_known_convention():
    model = models.build("resnet20_a")
    for setting in papers.SETTINGS.values():
        assert setting.network in PUBLISHED
        assert tfprune.cost(model, setting.convention).macs > 0


def test_a_papers_figure_stands_in_brackets_beside_ours(tmp_path):
    path = tmp_path / "papers.csv"
    for draw, accuracy in ((0, 0.5), (1, 0.9)):  # the table shows the first draw
        rows.append(path, {"setting": NAME, "draw": draw, "stage": "cut", "flops_removed": 40.1,
                           "params_removed": 30.2, "accuracy": accuracy})  # fmt: skip
    last = papers.report(path).splitlines()[-1]
    assert last.startswith(f"| {NAME} | 40.1 % (42.5 %) | 30.2 % | 50.0 | - | - | - | - | 92.09 |")


def test_the_peers_filters_become_masks_of_our_layers():
    graph = tfprune.analyse(models.build("resnet20_a"))
    names = modules(list(graph.producers))
    kept = {module: range(graph.channels(layer)) for layer, module in names.items()}
    kept |= {"layer2.1.conv1": [0, 5, 31], "bn1": [3]}  # of what is no layer with channels: nothing
    found = peer_choices.masks(graph, kept)
    assert np.flatnonzero(found.pop("stage2_block2_1_conv")).tolist() == [0, 5, 31]
    assert set(found) == set(graph.producers) - {"stage2_block2_1_conv"}
    assert all(mask.all() for mask in found.values())


def test_a_difference_to_the_peer_is_paired_by_draw(tmp_path):
    path = tmp_path / "peers.csv"
    for tool, values in ((peer_choices.PEER, (0.5, 0.6)), ("all channels", (0.52, 0.62))):
        for draw, accuracy in enumerate(values):
            key = ("resnet20_a", tool, "l1", "layer", "0.5", draw, "cut")
            row = dict(zip(peer_choices.KEY, key, strict=True))
            rows.append(path, row | {"accuracy": accuracy})
    theirs, ours = peer_choices.report(path).splitlines()[-2:]
    assert "| all channels | 57.0 (+2.0 [+2.0, +2.0]) | - | - | - |" in ours
    assert "| Torch-Pruning | 55.0 | - | - | - |" in theirs


def test_a_page_without_marks_is_refused_and_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("words")
    with pytest.raises(ValueError, match="expected one line '<!-- papers begins -->'"):
        marks.insert(page, "papers", "table")
    assert page.read_text() == "words"
