"""What every criterion promises, and that a new one is one file."""

import inspect
import sys

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import PruningError, criteria, plugins, schedules
from tfprune.scoring.method import Method
from tfprune.scoring.scoring import criterion_options

CRITERIA = plugins.names(criteria)
FREE = ("bn_scale", "fpgm", "group_l2", "l1", "l2", "random", "sfp")  # of data


def module(criterion):
    return plugins.find(criteria, criterion, "criterion")


def graph_of():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="first")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(5, 3, name="second")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return tfprune.analyse(
        keras.Model(image, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x)))
    )


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 8, 8, 3)).astype("float32"), np.array([0, 1, 0, 1])


@pytest.mark.parametrize("criterion", CRITERIA)
def test_it_says_what_it_is_in_one_value(criterion):
    found = module(criterion)
    assert type(found.METHOD) is Method
    assert found.METHOD.schedule in plugins.names(schedules)
    constants = {name for name in vars(found) if name.isupper() and not name.startswith("_")}
    assert not constants & {name.upper() for name in Method.__dataclass_fields__}


@pytest.mark.parametrize("criterion", CRITERIA)
def test_it_takes_a_graph_and_batches_and_options_with_defaults(criterion):
    given = list(inspect.signature(module(criterion).score).parameters.values())
    assert [p.name for p in given[:2]] == ["graph", "data"]
    assert all(p.default is not p.empty for p in given[2:])
    needs_data = given[1].default is inspect.Parameter.empty
    assert module(criterion).METHOD.needs_data == needs_data == (criterion not in FREE)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_scores_carry_what_it_says(criterion):
    graph = graph_of()
    workers = {"workers": 1} if "workers" in criterion_options(module(criterion)) else {}
    scores = tfprune.score(graph, criterion, None if criterion in FREE else data(), **workers)
    said = module(criterion).METHOD
    assert scores.criterion == criterion
    assert (scores.selector, scores.scope) == (said.selector, said.scope)
    assert scores.comparable == said.comparable
    assert {"first", "second"} <= set(scores) <= set(graph.producers)
    for name, values in scores.items():
        assert values.dtype == np.float64
        assert values.shape[0] == graph.channels(name)
        assert np.isfinite(values).all()


@pytest.mark.parametrize("criterion", sorted({*CRITERIA} - {*FREE}))
def test_without_data_it_says_that_it_needs_some(criterion):
    with pytest.raises(PruningError, match=f"(?i)criterion '{criterion}' needs data"):
        tfprune.score(graph_of(), criterion, None)


@pytest.fixture
def own_criterion(tmp_path, monkeypatch):
    """A file of the package that scores channels by their number."""
    (tmp_path / "by_number.py").write_text(
        "import numpy as np\n"
        "from tfprune.scoring.method import Method\n"
        "METHOD = Method(amount={'ratio': 0.5}, samples=None)\n"
        "def score(graph, data=None):\n"
        "    return {name: np.arange(1.0, 1 + len(ids)) for name, ids in graph.producers.items()}\n"
    )
    monkeypatch.setattr(criteria, "__path__", [*criteria.__path__, str(tmp_path)])
    yield "by_number"
    sys.modules.pop("tfprune.criteria.by_number", None)
    vars(criteria).pop("by_number", None)


def test_a_new_criterion_is_one_file_and_prunes_by_its_own_amount(own_criterion):
    small, report = tfprune.prune(graph_of().model, None, own_criterion)
    assert report.keep["first"].tolist() == [False, False, True, True]
    assert small.get_layer("first").filters == 2
