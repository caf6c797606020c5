"""What the measurement of FP-FMC says about all images from a few."""

import pytest

from benchmarks.scoring import fmc


def test_a_few_images_are_extrapolated_and_the_pairs_are_not():
    lines = fmc.table(55, (10.0, 9.0), (3.0, 2.0)).splitlines()
    total = 9 * 128 / fmc.SUBSET + 2
    assert lines[0].startswith("resnet56_a, 55 layers")
    assert f"extrapolated, not measured: {total:.0f} s of processor" in lines[-1]
    assert f"{total / 120:.1f} min on 2 quiet cores; at most 20" in lines[-1]


def test_options_without_effect_are_refused(capsys):
    with pytest.raises(SystemExit):
        fmc._run(["--workers=2"])
    assert "no effect without --full; add it" in capsys.readouterr().err
