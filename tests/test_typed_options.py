"""The options that tools see are those that are taken: no more, no fewer, of the same types."""

import inspect
import re
from typing import Any, Unpack, get_origin, get_type_hints

import keras
import pytest

import tfprune
from tfprune import PruningError, criteria, plugins, pruning, schedules, training, tuner
from tfprune.data.split import EpochOptions, Split
from tfprune.pruning import PruningOptions
from tfprune.pruning.planning import KEYWORDS
from tfprune.scoring.options import CriterionOptions
from tfprune.scoring.scoring import criterion_options
from tfprune.selection import selectors
from tfprune.selection.options import BudgetOptions, SelectionOptions, SelectorOptions
from tfprune.selection.parsing import SELECTING, selector_options
from tfprune.training.options import RecipeOptions

CRITERIA = {name: plugins.find(criteria, name, "criterion") for name in plugins.names(criteria)}
SELECTORS = [plugins.find(selectors, name, "selector") for name in plugins.names(selectors)]
CALLS = {"coupled", "progress"}  # keywords of `score` itself


def keywords(function):
    parameters = inspect.signature(function).parameters.values()
    return {x.name: x.annotation for x in parameters if x.kind is x.KEYWORD_ONLY}


def test_selection():
    own = {name for module in SELECTORS for name in selector_options(module)}
    assert get_type_hints(SelectorOptions).keys() == own
    assert get_type_hints(SelectionOptions).keys() == {*SELECTING, *own}
    hints = get_type_hints(SelectionOptions)
    assert keywords(tfprune.select) == {name: hints[name] for name in SELECTING}


def test_criteria():
    taken = {name: set(criterion_options(module)) - CALLS for name, module in CRITERIA.items()}
    assert get_type_hints(CriterionOptions).keys() == set().union(*taken.values()), (
        "tfprune/scoring/options.py lists the criteria's options"
    )
    told = re.findall(r'^([a-z_, ]+): ("[a-z0-9_", ]+)\.$', inspect.getdoc(CriterionOptions), re.M)
    for names, methods in told:
        for name in names.split(", "):
            takers = {method for method, options in taken.items() if name in options}
            assert set(re.findall(r'"(\w+)"', methods)) == takers, name
    listed = {name for names, _ in told for name in names.split(", ")}
    assert listed == get_type_hints(CriterionOptions).keys()


def valid_names(method, **options):
    with pytest.raises(PruningError) as refusal:
        pruning.parted(method, options)
    return set(re.search("Valid names: (.*)[.]$", str(refusal.value))[1].split(", "))


def test_prune_takes_all_of_them():
    assert set(KEYWORDS) == keywords(tfprune.prune).keys()
    taken = {name for method in CRITERIA for name in valid_names(method, nonsense=1)}
    assert taken - keywords(tfprune.prune).keys() == get_type_hints(PruningOptions).keys()


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (tfprune.select, SelectorOptions),
        (tfprune.score, CriterionOptions),
        (tfprune.prune, PruningOptions),
        (pruning.require_possible, PruningOptions),
        (schedules.iterative, PruningOptions),
        (schedules.soft, PruningOptions),
        (schedules.SoftPruning, PruningOptions),
        (schedules.sparse, PruningOptions),
        (tuner.hypermodel, PruningOptions),
        (tfprune.search, BudgetOptions),
    ],
)
def test_signatures_say_so_and_no_name_stands_twice(function, options):
    signature = inspect.signature(function)
    assert signature.parameters["options"].annotation == Unpack[options]
    assert not signature.parameters.keys() & get_type_hints(options).keys()


def test_no_function_of_a_schedule_hides_its_options():
    for name in filter(lambda name: callable(getattr(schedules, name)), schedules.__all__):
        parameters = inspect.signature(getattr(schedules, name)).parameters.values()
        hidden = [x for x in parameters if x.kind is x.VAR_KEYWORD and x.annotation is Any]
        assert not hidden, name


def test_a_search_takes_the_options_of_keep():
    amounts = {"macs", "params", "latency"}
    own = keywords(tfprune.Sensitivity.keep)
    assert get_type_hints(BudgetOptions) == {k: v for k, v in own.items() if k not in amounts}


def test_a_training_takes_the_fields_of_a_recipe():
    fields = get_type_hints(training.Recipe)
    assert get_type_hints(RecipeOptions) == fields
    assert (
        inspect.signature(tfprune.fine_tune).parameters["settings"].annotation
        == (Unpack[RecipeOptions])
    )
    assert not fields.keys() & keywords(tfprune.fine_tune).keys()


def test_batches_take_the_options_of_epochs():
    assert get_type_hints(EpochOptions) == keywords(Split.epochs)
    assert (
        inspect.signature(Split.batches).parameters["settings"].annotation == (Unpack[EpochOptions])
    )


@pytest.mark.parametrize("name", tfprune.__all__)
def test_no_public_function_hides_its_keywords(name):
    """Neither `object` nor `Any` tells a tool which keywords there are."""
    function = getattr(tfprune, name)
    if not inspect.isfunction(function):
        return
    for one in inspect.signature(function).parameters.values():
        assert one.kind is not one.VAR_KEYWORD or get_origin(one.annotation) is Unpack, one


def net():
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, name="hidden"), keras.layers.Dense(2)]
    )


def test_a_misspelt_option_is_refused_with_the_valid_ones():
    of_the_call = keywords(tfprune.prune).keys()
    assert valid_names("random", ssed=3) == {*SELECTING, "coupled", "seed", *of_the_call}
    with pytest.raises(PruningError, match="'ssed'. Did you mean 'seed'?"):
        tfprune.prune(net(), None, method="random", ratio=0.5, ssed=3)
    with pytest.raises(PruningError, match="'recontruct'. Did you mean 'reconstruct'?"):
        tfprune.prune(net(), None, method="l1", ratio=0.5, recontruct=True)


def test_misspelt_options_of_select_and_score_are_refused_too():
    graph = tfprune.analyse(net())
    scores = tfprune.score(graph, "random", None)
    with pytest.raises(PruningError, match="'min_chanels'. Did you mean 'min_channels'?.*round_to"):
        tfprune.select(graph, scores, ratio=0.5, min_chanels=2)
    with pytest.raises(PruningError, match="'sede'. Did you mean 'seed'?.*coupled, seed"):
        tfprune.score(graph, "random", None, sede=3)
