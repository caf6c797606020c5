from benchmarks import segmentation

TABLE = """seed,criterion,reconstructed,macs_left,params_left,miou_untrained,miou,iou_sky
0,none,0,1.0,1.0,0.4,0.4,0.9
0,fgp,1,0.5,0.4,0.3,0.36,0.8
1,fgp,1,0.5,0.4,0.2,0.38,0.6
"""


def test_the_report_has_means_over_the_seeds(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    monkeypatch.setattr(segmentation, "FIGURES", ("macs_left", "miou_untrained", "miou"))
    lines = segmentation.report(path).splitlines()
    assert lines[2] == "| none | 1 | 100.0 | 40.0 | 40.0 |"
    assert lines[3] == "| fgp, solved anew | 2 | 50.0 ± 0.0 | 25.0 ± 7.1 | 37.0 ± 1.4 |"
    assert lines[-1] == "| sky | 90.0 | 70.0 |"
