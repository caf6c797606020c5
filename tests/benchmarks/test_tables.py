"""The papers' tables from models that are really pruned."""

import pytest

import models
import tfprune
from benchmarks.published import BASELINES, FMC_ROWS
from benchmarks.rates import kept, kept_counts, parse_rates
from benchmarks.tables import Line, prune_at

INHERITED = {("vgg16_fmc", "313.73M"), ("densenet40_24", "282.00M")}  # follow from no known count
STRONGEST = [FMC_ROWS[i] for i in (1, 4, 6, 9)]


def check(row):
    graph, keep, small = prune_at(row)
    cost = tfprune.cost(small, "thop")
    assert Line("", "", row.flops, cost.macs).matches, cost.macs
    assert Line("", "", row.params, cost.params).matches, cost.params
    assert tfprune.verify(graph, keep, small).changed


@pytest.mark.parametrize("row", STRONGEST, ids=lambda row: row.network)
def test_the_strongest_rows_of_fp_fmc(row):
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", FMC_ROWS, ids=lambda row: f"{row.network} {row.rates}")
def test_every_row_of_fp_fmc(row):
    check(row)


def test_a_stage_shrinks_while_the_next_stays():
    """FP-FMC keeps all 64 channels of stage 3 and the stem, and shrinks stages 1 and 2."""
    _, keep, small = prune_at(FMC_ROWS[9])
    widths = {name: int(mask.sum()) for name, mask in keep.items()}
    assert widths["stem_conv"] == 16
    assert widths["stage1_block1_2_conv"] == widths["stage1_block9_2_conv"] == 9
    assert widths["stage2_block5_2_conv"] == 19
    assert widths["stage3_block9_2_conv"] == 64
    assert small.get_layer("stage3_block1_add").output.shape[-1] == 64


# The large networks are pinned to the last unit in tests/models.
SMALL = [b for b in BASELINES if b.flops.endswith("M")]


@pytest.mark.parametrize("base", SMALL, ids=lambda base: f"{base.network}-{base.convention}")
def test_baselines(base):
    cost = tfprune.cost(models.build(base.network), base.convention)
    exact = Line("", "", base.flops, cost.macs).matches
    assert exact == ((base.network, base.flops) not in INHERITED)
    assert not base.params or Line("", "", base.params, cost.params).matches


def test_rates_of_the_paper():
    assert parse_rates("[0.]+[0.4]*2+[0.5]") == [0.0, 0.4, 0.4, 0.5]
    assert len(parse_rates(FMC_ROWS[9].rates)) == 30
    # Doubles, truncated: 1 - 0.9 is a little less than 0.1.
    assert (kept(320, 0.9), kept(320, 0.8), kept(12, 0.4)) == (31, 63, 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parse_rates("[0]*3"), r"rate '\[0\]\*3': expected"),
        (lambda: parse_rates("[0.5]x3"), "expected"),
        (lambda: kept_counts("resnet56_a", "[0.1]*31"), "expected 30 compress rates, received 31"),
    ],
)
def test_bad_rates(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("published", "computed", "matches"),
    [
        ("2.86M", 2857760, True),
        ("0.39B", 395421760, True),  # truncated
        ("2.09M", 2099266, True),  # truncated
        ("2.08M", 2099266, False),
        ("140.54M", 140550000, False),
    ],
)
def test_figures_match_rounded_or_truncated(published, computed, matches):
    assert Line("", "", published, computed).matches == matches
