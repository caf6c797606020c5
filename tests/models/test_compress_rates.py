"""FP-FMC's lists of compress rates against the widths that its specification prints."""

import numpy as np
import pytest

import models
import tfprune
from models import compress_rates
from tfprune import PruningError
from tfprune.selection.compress_rate import entries

R56_STRONGEST = "[0.]+[0.4]*2+[0.5]*9+[0.6]*9+[0.7]*9"


def growth(first):
    return f"[0.]+[0.{first}]*12+[0.1]+[0.{first}]*12+[0.1]+[0.{first}]*12"


@pytest.mark.parametrize(
    ("rates", "widths"),
    [
        ("[0.3]*7+[0.75]*5", [44] * 2 + [89] * 2 + [179] * 3 + [128] * 5),
        ("[0.45]*7+[0.78]*5", [35] * 2 + [70] * 2 + [140] * 3 + [112] * 5),
    ],
)
def test_vgg16(rates, widths):
    found = compress_rates.counts("vgg16_fmc", rates)
    assert list(found.values()) == widths
    assert list(found)[-1] == "stage5_conv2"


@pytest.mark.parametrize(
    ("name", "rates", "outputs", "first"),
    [
        ("resnet56_a", "[0.]+[0.18]*29", (13, 26), (13, 26, 52)),
        ("resnet56_a", "[0.]+[0.15]*2+[0.4]*27", (13, 27), (9, 19, 38)),
        ("resnet56_a", R56_STRONGEST, (9, 19), (8, 12, 19)),
        ("resnet110_a", "[0.]+[0.2]*2+[0.3]*18+[0.35]*36", (12, 25), (11, 20, 41)),
        ("resnet110_a", "[0.]+[0.25]*2+[0.4]*18+[0.55]*36", (12, 24), (9, 14, 28)),
        ("resnet110_a", "[0.]+[0.4]*2+[0.5]*18+[0.65]*36", (9, 19), (8, 11, 22)),
        ("resnet20_a", "[0.]+[0.4]*2+[0.5]*3+[0.6]*3+[0.7]*3", (9, 19), (8, 12, 19)),
    ],
)
def test_resnets(name, rates, outputs, first):
    found = compress_rates.counts(name, rates)
    blocks = (int(name[6:-2]) - 2) // 6
    expected = {"stem_conv": 16}
    for stage in (1, 2, 3):
        for block in range(1, blocks + 1):
            expected[f"stage{stage}_block{block}_1_conv"] = first[stage - 1]
            if stage < 3:
                expected[f"stage{stage}_block{block}_2_conv"] = outputs[stage - 1]
    assert found == expected


@pytest.mark.parametrize(
    ("rates", "added", "transitions"),
    [
        ("[0.]+[0.2]*12+[0.]+[0.2]*12+[0.]+[0.2]*12", 9, (132, 240)),
        (growth(3), 8, (108, 183)),
        (growth(4), 7, (97, 162)),
        ("[0.9]" + growth(4)[4:], 7, (97, 162)),  # the stem's is ignored
    ],
)
def test_densenet40(rates, added, transitions):
    found = compress_rates.counts("densenet40_24", rates)
    assert tuple(found.pop(f"transition{i}_conv") for i in (1, 2)) == transitions
    assert len(found) == 36
    assert set(found.values()) == {added}


def test_the_other_densenet_starts_from_its_own_stem():
    found = compress_rates.counts("densenet40", growth(4))
    assert found["transition1_conv"] == int((16 + 12 * 7) * 0.9)


WEAK = [(51, 12), (76, 38), (62, 14), (67, 19), (76, 19), (86, 19), (96, 38), (63, 25)]
STRONG = [(19, 4), (28, 14), (20, 4), (22, 6), (25, 6), (28, 6), (31, 12), (31, 12)]


@pytest.mark.parametrize(
    ("rates", "blocks", "middle"),
    [
        ("[0.]+[0.6]*2+[0.7]*5+[0.8]*2", WEAK, 25),
        ("[0.]+[0.85]*2+[0.9]*5+[0.9]*2", STRONG, 12),
    ],
)
def test_googlenet(rates, blocks, middle):
    expected = {"b5_5x5_1_conv": middle}
    for name, (three, five) in zip("a3 b3 a4 b4 c4 d4 e4 a5".split(), blocks, strict=True):
        expected |= {f"{name}_3x3_conv": three, f"{name}_5x5_1_conv": five}
        expected |= {f"{name}_5x5_2_conv": five}
    assert compress_rates.counts("googlenet", rates) == expected


LENGTHS = {"vgg11_fmc": 7, "vgg16_fmc": 12, "gatevgg16": 12, "resnet20_a": 12, "resnet56_a": 30,
           "resnet110_a": 57, "densenet40_24": 39, "googlenet": 10}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_every_list_fits_its_network(name):
    found = compress_rates.counts(name, [0.0] * LENGTHS[name])
    graph = tfprune.analyse(models.build(name))
    assert found == {layer: graph.channels(layer) for layer in found}
    assert all(graph.free(layer).all() for layer in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", compress_rates.names())
def test_every_list_names_layers_of_its_network(name):
    graph = tfprune.analyse(models.build(name))
    with pytest.raises(PruningError, match="received 0. In order") as caught:
        compress_rates.counts(name, [])
    length = caught.value.args[0].count("\n")
    found = compress_rates.counts(name, [0.0] * length)
    assert found == {layer: graph.channels(layer) for layer in found}


def test_the_general_list_of_the_same_network_follows_its_layers():
    graph = tfprune.analyse(models.build("resnet20_a"))
    listed = [str(entry) for entry in entries(graph)]
    outputs = ", ".join(f"stage1_block{block}_2_conv" for block in (1, 2, 3))
    assert listed[:4] == ["stem_conv", "stage1_block1_1_conv", outputs, "stage1_block2_1_conv"]


def test_selecting_by_the_counts():
    graph = tfprune.analyse(models.build("resnet20_a"))
    found = compress_rates.counts("resnet20_a", "[0.]+[0.4]*2+[0.5]*9")
    keep = tfprune.select(graph, tfprune.score(graph, "l1", None), counts=found)
    for name, mask in keep.items():
        assert mask.sum() == found.get(name, len(mask)), name
    assert not all(np.all(mask) for mask in keep.values())


@pytest.mark.parametrize(
    ("name", "rates", "message"),
    [
        (
            "resnet56_a",
            "[0.]+[0.1]*30",
            r"resnet56_a: expected 30, received 31.*\n  "
            r"\[0\] stem_conv: must be 0.\n  \[1\] outputs of stage 1: stage1_block1_2_conv, "
            r"[^\n]*stage1_block9_2_conv\n  \[2\] outputs of stage 2: [^\n]*\n"
            r"  \[3\] stage1_block1_1_conv\n(.*\n)+  \[29\] stage3_block9_1_conv$",
        ),
        ("vgg16_fmc", "[0.1]*13", r"expected 12, received 13(.*\n)+  \[11\] stage5_conv2$"),
        (
            "densenet40_24",
            "[0.1]",
            r"expected 39, received 1.*\n  \[0\] stem_conv, which stays: ignored\n(.*\n)+"
            r"  \[13\] of the channels left: transition1_conv\n",
        ),
        (
            "googlenet",
            "[0.1]*9",
            r"expected 10, received 9(.*\n)+  \[1\] block a3: a3_3x3_conv, a3_5x5_1_conv, .*\n"
            r"(.*\n)+  \[9\] block b5, whose outputs stay: b5_5x5_1_conv$",
        ),
        ("resnet56_a", "[0.1]*30", r"\[0\] of resnet56_a .stem_conv.*these channels stay.*0.1"),
        ("densenet40_24", "[0.]+[0.95]*38", r"\[1\] .*layer1.*0.95 leaves none of 12 channels"),
        ("resnet20", "[0.]*12", "Unknown network .* 'resnet20'. Did you mean 'resnet20_a'?"),
    ],
)
def test_lists_of_another_length_or_out_of_range_are_refused(name, rates, message):
    with pytest.raises(PruningError, match=message):
        compress_rates.counts(name, rates)
