"""The model card: the run's figures, its warnings, and names that Markdown would read as marks."""

from tfprune.reporting import model_card

SIDE = {"results": {"accuracy": 0.9, "loss": 0.5}, "parameters": 1000, "macs": 8000,
        "file_bytes": None}  # fmt: skip


def card(**more):
    record = {
        "title": "net on digits pruned by l1", "arch": "net", "data": "digits", "method": "l1",
        "amount": {"ratio": 0.5}, "seed": 0, "before": SIDE, "best_epoch": 1,
        "after": SIDE | {"results": {"accuracy": 0.85, "loss": 0.6}, "parameters": 250},
        "environment": {"versions": {"tfprune": "1.2", "keras": "3"}}, "observations": ["all went"],
    }  # fmt: skip
    return model_card(record | more)


def test_the_card_holds_the_run_s_own_figures():
    lines = card().splitlines()
    assert lines[:2] == ["---", "library_name: keras"]
    for line in (
        "| accuracy | 90.00% | 85.00% |", "| parameters | 1,000 | 250 |",
        "| MACs | 8,000 | 8,000 |",
        "- amount: <code>ratio = 0.5</code>", "- seed: <code>0</code>", "- all went",
        "With tfprune 1.2, keras 3.",
    ):  # fmt: skip
        assert line in lines
    assert not any(line.startswith("| file") for line in lines)


def test_names_become_neither_markup_nor_marks():
    lines = card(title="# [x](y) <img>\n# two", arch="a|`b`<i>", observations=["*no*"]).splitlines()
    assert r"# \# \[x\](y) &lt;img&gt;\n\# two" in lines
    assert "<code>a&#124;`b`&lt;i&gt;</code>" in "\n".join(lines)
    assert r"- \*no\*" in lines


def test_what_is_missing_is_left_out():
    assert "## Figures" not in model_card({"title": "t"})
    assert "## Limits" in model_card({})
