"""The benchmark that prunes random graphs: graphs can be had again, and a fault is told."""

import numpy as np

from benchmarks import random_graphs
from tests.property import image_steps


def test_faults_are_told_and_graphs_are_the_same_again(monkeypatch, capsys):
    seen = []

    def check(model, share, seed, path):
        seen.append((model.to_json(), share, [w.numpy() for w in model.weights]))
        if len(seen) % 3 == 0:
            raise ValueError("wrong answer")

    monkeypatch.setattr(random_graphs, "check", check)
    steps = image_steps.STEPS
    assert random_graphs.main(["--count", "4", "--seed", "5"]) == 1
    told = capsys.readouterr().out
    assert "ValueError: wrong answer" in told
    assert told.splitlines()[-1].endswith(": 1 faults [2]")
    assert image_steps.STEPS is steps
    random_graphs.main(["--only", "2", "--seed", "5"])
    assert "graph 2: {'image " in capsys.readouterr().out
    (first, share, weights), (again, same, values) = seen[2], seen[4]
    assert (first, share) == (again, same)
    assert all(map(np.array_equal, weights, values))
    assert len({model for model, _, _ in seen}) == 4
