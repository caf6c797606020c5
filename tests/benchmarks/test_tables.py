"""The papers' tables from models that are really pruned."""

import pytest

import models
import tfprune
from benchmarks.published import BASELINES, FMC_ROWS
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
